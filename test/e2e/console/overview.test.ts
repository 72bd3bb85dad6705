import { test, type TestContext } from 'node:test'

import { withoutChromium } from '../../support/browser.ts'
import { tea } from '../../support/fixtures.ts'
import { openConsole } from './support.ts'

const skip = withoutChromium

test('the overview counts items, and links to them', { skip }, async (t: TestContext) => {
  const { service, page, open, signIn, inspect } = await openConsole(t)
  const grace = await service.signIn('grace@example.com')
  const ada = await signIn('ada@example.com')
  for (const price of [0.5, 4.99, 5, 1234.56, 250_000]) await ada.post('/items', { ...tea, price_usd: price })
  await grace.post('/items', { name: 'Dog bowl', category: 'Pet', price_usd: 9.99, in_stock: false })
  await open('overview')
  const totals = page.locator('.totals')
  await totals.getByText('$251,255').waitFor()
  t.assert.deepStrictEqual(await totals.locator('dd').allTextContents(), ['6', '5', '1', '$251,255'])
  await inspect('overview')

  const range = page.getByRole('link', { name: '$5.00 to $9.99' })
  await range.click()
  await page.getByText('Dog bowl').waitFor()
  t.assert.strictEqual(new URL(page.url()).search, '?min_price=5&max_price=9.99')
  await page.goBack()
  await page.getByRole('link', { name: 'Pet', exact: true }).click()
  await page.getByText('Dog bowl').waitFor()
  t.assert.strictEqual(new URL(page.url()).search, '?category=Pet')
  await page.goBack()
  await page.getByRole('combobox', { name: 'Whose items' }).selectOption('My items')
  await totals.getByText('$251,245').waitFor()
  t.assert.deepStrictEqual(await totals.locator('dd').allTextContents(), ['5', '5', '0', '$251,245'])
  await page.getByRole('link', { name: /: 5 changes$/ }).click()
  await page.getByRole('heading', { name: 'Changes' }).waitFor()
  await page
    .getByRole('row', { name: /New item: Green tea/ })
    .first()
    .waitFor()
  t.assert.strictEqual(await page.getByRole('row', { name: /New item/ }).count(), 5)
})

test('the overview of an empty store leads to its first items', { skip }, async (t: TestContext) => {
  const { page, open, signIn, inspect } = await openConsole(t)
  await signIn('ada@example.com')
  await open('overview')
  await page.getByText('There are no items yet.').waitFor()
  await page.getByText('There were none.').waitFor()
  await inspect('overview-empty')
  await page.getByRole('button', { name: 'Add 120 sample items' }).click()
  await page.getByRole('link', { name: '120', exact: true }).first().waitFor()
})
