import { test, type TestContext } from 'node:test'

import { withoutChromium } from '../../support/browser.ts'
import { tea } from '../../support/fixtures.ts'
import { openConsole } from './support.ts'

const skip = withoutChromium

test('changes are listed, filtered, and paged by the URL', { skip }, async (t: TestContext) => {
  const { service, page, open, signIn, inspect } = await openConsole(t)
  const grace = await service.signIn('grace@example.com')
  const ada = await signIn('ada@example.com')
  const { id } = (await ada.post('/items', tea)).json()
  await ada.patch(`/items/${id}`, { price_usd: 5.49, in_stock: false })
  const soap = (await grace.post('/items', { ...tea, name: 'Soap' })).json()
  await grace.delete(`/items/${soap.id}`)
  const many = Array.from({ length: 30 }, (_, index) => `Cup ${index},Household,${index},true\n`)
  await ada.post('/items/import', `name,category,price_usd,in_stock\n${many.join('')}`, { 'content-type': 'text/csv' })
  const set = { select: { filters: { category: ['Household'] } }, change: { price: { percent: 10, round: 0.01 } } }
  await ada.post('/items/bulk', set)
  await open('changes')
  const row = (name: RegExp) => page.getByRole('row', { name })
  await row(/You Change: Green tea.* Price \$4\.99.*\$5\.49 Stock In stock.*Sold out/).waitFor()
  await row(/Deletion: Soap Grocery/).waitFor()
  await row(/You Import: 30 new/).waitFor()
  await inspect('changes')

  await page.getByRole('combobox', { name: 'Kind' }).selectOption('Deletion')
  await page.waitForURL(/kind=delete/)
  await row(/You Import/).waitFor({ state: 'detached' })
  await row(/Deletion: Soap/).waitFor()
  await page.getByRole('combobox', { name: 'Who' }).selectOption('Me')
  await page.getByText('No changes match.').waitFor()
  await inspect('changes-none')
  await page.getByRole('link', { name: 'Clear filters' }).click()
  await row(/Import: 30 new/)
    .getByRole('link', { name: 'Show all 30 items' })
    .click()
  await page.getByRole('heading', { name: 'Import: 30 new' }).waitFor()
  await row(/Cup 29/).waitFor()
  await inspect('changes-import')
  await page.goBack()

  for (let price = 1; price <= 25; price++) await grace.post('/items', { ...tea, price_usd: price })
  await page.reload()
  await page.getByRole('button', { name: 'Next' }).click()
  await row(/Import: 30 new/).waitFor()
  t.assert.match(page.url(), /\?after=/)
  await page.getByText('Page 2', { exact: true }).waitFor()
  await page.getByRole('button', { name: 'Previous' }).click()
  await page.getByText('Page 1', { exact: true }).waitFor()
  await page.getByRole('link', { name: 'Ada Lovelace' }).first().click()
  await page.waitForURL(/manager=[0-9a-f-]{36}/)
})

test('an undo shows what it restores, and can be undone', { skip }, async (t: TestContext) => {
  const { page, open, signIn, inspect } = await openConsole(t)
  const ada = await signIn('ada@example.com')
  const ids: string[] = []
  for (const name of ['Green tea', 'Black tea', 'Coffee'])
    ids.push((await ada.post('/items', { ...tea, name })).json().id)
  await ada.post('/items/bulk', { select: { ids }, change: { set: { price_usd: 9 } } })
  await ada.patch(`/items/${ids[2]}`, { price_usd: 10 })
  await open('changes?kind=bulk')
  await page.getByRole('button', { name: 'Undo: Bulk change: 3 changed' }).click()
  const dialog = page.getByRole('dialog', { name: 'Undo this change?' })
  await dialog.getByText('2 items get their previous values.').waitFor()
  await dialog.getByText('1 item stays as it is:').waitFor()
  await dialog.getByText('Coffee: changed since, now $10.00').waitFor()
  await inspect('changes-undo')
  await dialog.getByRole('button', { name: 'Undo 2 changes' }).click()
  await page.getByText('2 changes undone.').waitFor()
  const prices = async () => Promise.all(ids.map(async (id) => (await ada.get(`/items/${id}`)).json().price_usd))
  t.assert.deepStrictEqual(await prices(), [4.99, 4.99, 10])
  await page.getByRole('link', { name: 'Undone' }).waitFor()

  await page.locator('.toast').getByRole('button', { name: 'Undo' }).click()
  await page.getByText('Undone.', { exact: true }).waitFor()
  t.assert.deepStrictEqual(await prices(), [9, 9, 10])
  await open('changes')
  await page
    .getByRole('button', { name: /^Undo: Undo: 2 changed/ })
    .first()
    .click()
  await dialog.getByRole('button', { name: 'Undo 2 changes' }).click()
  await page.getByText('2 changes undone.').waitFor()
  t.assert.deepStrictEqual(await prices(), [4.99, 4.99, 10])
})

test('an undo that takes long says so, and a lost one where to look', { skip }, async (t: TestContext) => {
  const { page, tabs, open, signIn, inspect, complaints } = await openConsole(t)
  const ada = await signIn('ada@example.com')
  const { id } = (await ada.post('/items', tea)).json()
  await ada.post('/items/bulk', { select: { ids: [id] }, change: { set: { price_usd: 9 } } })
  const answer = Promise.withResolvers<void>()
  await tabs.route(
    (url) => url.pathname.endsWith('/undo') && !url.searchParams.has('dry_run'),
    async (route) => {
      await answer.promise
      await route.fetch()
      await route.abort()
    },
  )
  await open('changes')
  await page.getByRole('button', { name: 'Undo: Bulk change, Green tea' }).click()
  const dialog = page.getByRole('dialog', { name: 'Undo this change?' })
  await dialog.getByRole('button', { name: 'Undo 1 change' }).click()
  await dialog.getByRole('status').getByText('Undoing 1 change…').waitFor()
  await inspect('changes-undoing')
  await page.keyboard.press('Escape')
  answer.resolve()
  await dialog.getByText('The connection was lost.').waitFor()
  await dialog.getByText('No part of this change can be undone.').waitFor()
  t.assert.strictEqual((await ada.get(`/items/${id}`)).json().price_usd, tea.price_usd)
  // The request has an idempotency key, so the client repeats it.
  t.assert.deepStrictEqual(new Set(complaints.splice(0)), new Set(['Failed to load resource: net::ERR_FAILED']))
})

test('a deleted item is restored from the changes', { skip }, async (t: TestContext) => {
  const { service, page, open, signIn } = await openConsole(t)
  const grace = await service.signIn('grace@example.com')
  const ada = await signIn('ada@example.com')
  const { id } = (await ada.post('/items', tea)).json()
  await ada.delete(`/items/${id}`)
  await grace.post('/items', { ...tea, name: 'Soap' })
  await open('changes')
  await page.getByRole('row', { name: /Soap/ }).waitFor()
  t.assert.strictEqual(await page.getByRole('button', { name: /^Undo.*Soap/ }).count(), 0)
  await page.getByRole('button', { name: 'Undo: Deletion, Green tea' }).click()
  await page.getByText('1 deleted item comes back.').waitFor()
  await page.getByRole('button', { name: 'Undo 1 change' }).click()
  await page.getByText('1 change undone.').waitFor()
  t.assert.strictEqual((await ada.get(`/items/${id}`)).statusCode, 200)
  await page.getByRole('button', { name: 'Undo: New item, Green tea' }).click()
  await page.getByText('No part of this change can be undone.').waitFor()
  await page.getByText(/Green tea.*: changed since/).waitFor()
})

test('a store without changes says what will be listed', { skip }, async (t: TestContext) => {
  const { page, open, signIn, inspect, expectStatus } = await openConsole(t)
  await signIn('ada@example.com')
  await open('changes')
  await page.getByText('There are no changes yet.').waitFor()
  await inspect('changes-empty')
  expectStatus(404)
  await open('changes?set=019a6f2c-11aa-7000-9c1d-4e7b0f6a2d35')
  await page.getByText('This change is no longer kept.').waitFor()
})
