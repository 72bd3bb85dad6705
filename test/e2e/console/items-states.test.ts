import { test, type TestContext } from 'node:test'

import { withoutChromium } from '../../support/browser.ts'
import { eventually } from '../../support/until.ts'
import { item, numbered, openItems, registerMary } from './items.ts'

const skip = withoutChromium

test('an empty store offers sample items, removed by one click', { skip }, async (t: TestContext) => {
  const { page, ada, inspect } = await openItems(t, [])
  await page.getByText('There are no items yet.').waitFor()
  await inspect('items-empty-store')
  await page.getByRole('button', { name: 'Add 120 sample items' }).click()
  await page.getByText('120 items', { exact: true }).waitFor()
  await page.reload()
  await page.getByText('The store contains sample items.').waitFor()
  await inspect('items-samples')
  await page.getByRole('button', { name: 'Remove the sample items' }).click()
  await page.getByText('There are no items yet.').waitFor()
  t.assert.deepStrictEqual((await ada.get('/items')).json(), {})
})

test('nothing matches, unknown pages, and long names', { skip }, async (t: TestContext) => {
  const { page, row, open, expectStatus, inspect } = await openItems(t, [
    item('W'.repeat(64), 1e-7, { category: 'Pet' }),
    item('An extraordinarily long name of a thing that is kept in a store!', 1234567.89, {
      category: 'Home Improvement',
    }),
  ])
  await row('WWW').getByRole('button').click()
  await page.keyboard.type('2')
  await page.keyboard.press('Enter')
  const undo = page.locator('.toast').getByRole('button', { name: 'Undo' })
  await undo.hover()
  await inspect('items-long-names')
  t.assert.ok(((await undo.boundingBox())?.height ?? Infinity) < 50, 'the letters of a button are below each other')
  await page.mouse.move(0, 0)
  await open('items?q=zzz')
  await page.getByText('No items match.').waitFor()
  await inspect('items-nothing')
  expectStatus(404)
  await open('nowhere')
  await page.getByRole('heading', { name: 'Page not found' }).waitFor()
  await inspect('missing')
  await page.getByRole('link', { name: 'Go to items' }).click()
  await eventually(
    () => page.evaluate('document.activeElement.textContent'),
    (heading) => heading === 'Items',
  )
})

test('help lists the keys, and menus stay in the window', { skip }, async (t: TestContext) => {
  const { page, inspect } = await openItems(t, [item('Tea')])
  await page.getByRole('button', { name: 'Keyboard shortcuts' }).click()
  await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor()
  await inspect('help')
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Export' }).click()
  t.assert.match(
    (await page.getByRole('link', { name: 'For a spreadsheet (CSV)' }).getAttribute('href')) ?? '',
    /\/console\/api\/items\/export\?format=csv&safe=spreadsheet&sort=-id$/,
  )
  await inspect('items-export')
})

test('outages are reported, and end by themselves or by a click', { skip }, async (t: TestContext) => {
  const { page, tabs, service, expectStatus, complaints, inspect } = await openItems(t, numbered(150))
  expectStatus(503)
  await tabs.route('**/api/items?*', (route) =>
    route.fulfill({ status: 503, headers: { 'retry-after': '1' }, contentType: 'text/plain', body: '' }),
  )
  await page.getByRole('searchbox').fill('item')
  await page.getByText('The store is not available at the moment. Trying again…').waitFor()
  await inspect('items-unavailable')
  const again = page.getByRole('button', { name: 'Try again' })
  await again.waitFor()
  await inspect('items-gave-up')
  // Another request fails and then succeeds, but the list is still missing.
  const followed = page.waitForResponse(/changes\/feed/)
  service.app.server.closeAllConnections()
  t.assert.strictEqual((await followed).status(), 200)
  t.assert.ok(await again.isVisible())
  await tabs.unroute('**/api/items?*')
  await again.click()
  await page.getByText('150 items', { exact: true }).waitFor()
  t.assert.strictEqual(await page.getByText('The store is not available').count(), 0)
  complaints.splice(0, Infinity, ...complaints.filter((line) => !line.includes('net::ERR_')))
})

test('limits and a lost network are reported', { skip }, async (t: TestContext) => {
  const { page, tabs, service, expectStatus, complaints, inspect } = await openItems(t, numbered(2))
  expectStatus(429)
  await tabs.route('**/api/items?*', (route) =>
    route.fulfill({ status: 429, headers: { 'retry-after': '40' }, contentType: 'text/plain', body: '' }),
  )
  await page.getByRole('combobox', { name: 'Order' }).selectOption('Cheapest first')
  await page.getByText(/^Too many requests\. Try again in [34]\d seconds\.$/).waitFor()
  await inspect('items-throttled')
  const followed = page.waitForResponse(/changes\/feed/)
  service.app.server.closeAllConnections()
  t.assert.strictEqual((await followed).status(), 200)
  await page.getByText(/^Too many requests\./).waitFor()
  await tabs.unroute('**/api/items?*')
  await page.goBack()

  await tabs.setOffline(true)
  await page.getByText('You are offline. What you type stays here.').waitFor()
  await inspect('items-offline')
  await tabs.setOffline(false)
  await page.getByText('You are offline.').waitFor({ state: 'detached' })
  complaints.splice(0, Infinity, ...complaints.filter((line) => !line.includes('net::ERR_')))
})

test('only changes by others are announced, and rows do not move', { skip }, async (t: TestContext) => {
  const { page, service, ada, row, inspect } = await openItems(t, [item('Tea', 5), item('Coffee', 9)], {
    ITEM_WRITES: 'shared',
  })
  const mary = await registerMary(service)
  await row('Tea').waitFor()
  const ids = Object.entries<{ name: string }>((await ada.get('/items')).json())
  const idOf = (name: string) => ids.find(([, each]) => each.name === name)?.[0] ?? ''
  await row('Coffee')
    .getByRole('button', { name: /^\$9\.00/ })
    .click()
  await page.keyboard.type('11')
  await page.getByRole('heading', { level: 1 }).click()
  await page.getByText('Coffee now costs $11.00.').waitFor()
  await mary.patch(`/items/${idOf('Tea')}`, { price_usd: 6 })
  await page.getByText('1 item changed.').waitFor()
  await mary.post('/items', item('Honey'))
  await mary.post('/items', item('Biscuits', 3, { category: 'Pet' }))
  await page.getByText('3 items changed.').waitFor()
  t.assert.strictEqual(await page.locator('tbody tr').count(), 2)
  await row('Tea').getByText('$5.00').waitFor()
  await inspect('items-news')
  await page.getByRole('button', { name: 'Reload' }).click()
  await row('Tea').getByText('$6.00').waitFor()
  t.assert.strictEqual(await page.locator('tbody tr').count(), 4)
  t.assert.strictEqual(await page.getByText('changed.').count(), 0)
})
