import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'

import { withoutChromium } from '../../support/browser.ts'
import { ada, tea } from '../../support/fixtures.ts'
import { openConsole } from './support.ts'

const skip = withoutChromium

test('a script in the page can neither read the token nor load code', { skip }, async (t: TestContext) => {
  const { page, open, signIn, complaints } = await openConsole(t)
  const { token } = await signIn(ada.email)
  await open()
  t.assert.strictEqual(await page.evaluate('document.cookie'), '')
  const session = await page.evaluate<string>("fetch('/console/session').then((response) => response.text())")
  t.assert.ok(session.includes(ada.email))
  t.assert.ok(!session.includes('eyJ') && !session.includes(token))
  const kept = await page.evaluate<string>('JSON.stringify([localStorage, sessionStorage, indexedDB.databases()])')
  t.assert.ok(!kept.includes('eyJ'))
  t.assert.deepStrictEqual(complaints, [])

  const refused = [
    "document.body.innerHTML = '<img src=x>'",
    "document.body.insertAdjacentHTML('beforeend', '<b></b>')",
    "document.createElement('script').src = '/scalar/scalar.js'",
    "new DOMParser().parseFromString('<b></b>', 'text/html')",
    "trustedTypes.createPolicy('mine', {})",
    "eval('1')",
    "await fetch('http://127.0.0.1:1/')",
    "await import('data:text/javascript,')",
    "new Worker('/scalar/scalar.js')",
  ]
  // Later, because the debugger may evaluate anything immediately.
  const later = 'await new Promise((done) => setTimeout(done))'
  for (const code of refused) {
    const outcome = await page.evaluate<string>(
      `(async () => { ${later}; ${code} })().then(() => 'allowed', (error) => error.name)`,
    )
    t.assert.strictEqual(outcome === 'EvalError' || outcome === 'TypeError', true, `${code}: ${outcome}`)
  }
  const loaded = await page.evaluate<boolean>(`new Promise((done) => {
    const image = new Image()
    image.onload = () => done(true)
    image.onerror = () => done(false)
    image.src = 'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg"/>'
  })`)
  t.assert.strictEqual(loaded, false)
  t.assert.ok(complaints.length >= refused.length)
  complaints.length = 0
})

test('text of other managers is shown as text', { skip }, async (t: TestContext) => {
  const { page, open, signIn } = await openConsole(t)
  const name = `<img src=x onerror="document.title='run'"> {{7*7}} \u202eright\u2069 & "'`
  await (await signIn(ada.email)).post('/items', { ...tea, name })
  await open()
  await page.getByText(name, { exact: true }).first().waitFor()
  t.assert.strictEqual(await page.locator('img').count(), 0)
  t.assert.notStrictEqual(await page.title(), 'run')
})

test('no page can frame the console or reach its window', { skip }, async (t: TestContext) => {
  const { tabs, signIn, origin, complaints } = await openConsole(t)
  await signIn(ada.email)
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html')
    response.end(`<!doctype html><iframe src="${origin}/console/items"></iframe>`)
  })
  server.listen(0, 'localhost')
  await once(server, 'listening')
  t.after(() => server.close())
  const page = await tabs.newPage()
  await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`)
  t.assert.strictEqual(page.frames()[1]?.url(), 'chrome-error://chromewebdata/')
  const opened = page.waitForEvent('popup')
  await page.evaluate(`void (globalThis.other = open('${origin}/console/items'))`)
  await (await opened).getByRole('heading', { level: 1 }).waitFor()
  t.assert.strictEqual(await page.evaluate('other.closed'), true)
  complaints.length = 0
})
