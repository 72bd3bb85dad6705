import { test, type TestContext } from 'node:test'

import { createClient } from '../../src/client/client.ts'
import { listen, openApp } from '../support/app.ts'
import { withoutChromium } from '../support/browser.ts'
import { password, tea } from '../support/fixtures.ts'
import { openPrefixProxy } from '../support/prefix-proxy.ts'
import { openReferencePage } from '../support/reference-page.ts'
import { openConsolePage } from './console/support.ts'

const skip = withoutChromium
const email = 'ada@example.com'

async function openBehindProxy(t: TestContext) {
  const service = await openApp(t, { ROOT_PATH: '/shop' })
  await (await service.signIn(email)).post('/items', tea)
  return openPrefixProxy(t, await listen(service.app), '/shop')
}

test('the page at /scalar works below ROOT_PATH', { skip }, async (t: TestContext) => {
  const origin = await openBehindProxy(t)
  const { page, complaints, requested, ...reference } = await openReferencePage(t, `${origin}/shop`)
  await reference.signIn(email)
  const editor = await reference.open({ method: 'get', path: '/items' })
  const response = await editor.send()
  t.assert.deepStrictEqual([response.status(), new URL(response.url()).pathname], [200, '/shop/items'])
  for (const address of ['/shop', '/shop/', '/shop/scalar/']) {
    await page.goto(origin + address)
    await page.getByRole('heading', { name: 'Stockroom', level: 1 }).waitFor()
  }
  t.assert.ok(
    requested.every((url) => url.startsWith(`${origin}/shop`) || url.startsWith('data:')),
    requested.join('\n'),
  )
  t.assert.deepStrictEqual(complaints, [])
})

test('the page at /scalar is shown below a path that is not set', { skip }, async (t: TestContext) => {
  const { app } = await openApp(t)
  const origin = await openPrefixProxy(t, await listen(app), '/shop')
  const { complaints } = await openReferencePage(t, `${origin}/shop`)
  t.assert.deepStrictEqual(complaints, [])
})

test('the console works below ROOT_PATH', { skip }, async (t: TestContext) => {
  const console = await openConsolePage(t, await openBehindProxy(t), '/shop')
  await console.signIn(email)
  await console.open('items')
  await console.page.getByText(tea.name).first().waitFor()
  const cookies = await console.tabs.cookies()
  t.assert.deepStrictEqual(
    cookies.map(({ path }) => path),
    ['/shop/console'],
  )
  t.assert.ok(console.page.url().includes('/shop/console/items'))
})

test('the client works below ROOT_PATH', async (t: TestContext) => {
  const client = createClient({ baseUrl: `${await openBehindProxy(t)}/shop` })
  await client.logIn({ email, password })
  const names: string[] = []
  for await (const { name } of client.items.each({ limit: 1 })) names.push(name)
  t.assert.deepStrictEqual(names, [tea.name])
})
