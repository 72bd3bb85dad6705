import { readFile } from 'node:fs/promises'
import { test, type TestContext } from 'node:test'

import type { Page } from 'playwright-core'

import { withoutChromium } from '../../support/browser.ts'
import { numbered, stock } from './items.ts'
import { openConsole } from './support.ts'

const skip = withoutChromium
const email = 'ada@example.com'

const choose = (page: Page, text: string, encoding: BufferEncoding = 'utf8') =>
  page.locator('input[type=file]').setInputFiles({
    name: 'articles.csv',
    mimeType: 'text/csv',
    buffer: Buffer.from(text, encoding),
  })

test('a spreadsheet is mapped, checked, imported, and undone', { skip }, async (t: TestContext) => {
  const { page, open, signIn, inspect } = await openConsole(t)
  const ada = await signIn(email)
  const items = async () => {
    const found = Object.values<Record<string, unknown>>((await ada.get('/items?sort=name&limit=100')).json())
    return found.map(({ name, category, price_usd: price, in_stock: isInStock }) => [name, category, price, isInStock])
  }
  await open('import')
  await inspect('import-file')
  const rows = [
    'Artikel;Lieferant;Warengruppe;Preis;Verfügbar',
    'Gießkanne;Garten AG;Haushalt;1.234,50;ja',
    'Hundekekse;Bone Ltd;Pets;19,50x;nein',
    '"Tee; ""grün""";Leaf;Gewürze;4,99;1',
    'Käse;Leaf;Grocery;2;bald',
    ';;;;',
  ]
  await choose(page, `${rows.join('\r\n')}\r\n`, 'latin1')
  await page.getByRole('heading', { name: '2 Columns' }).waitFor()
  await page.getByText('4 rows').first().waitFor()
  const value = (name: string) => page.getByRole('combobox', { name, exact: true })
  const chosen = async (name: string) => value(name).locator('option:checked').textContent()
  t.assert.strictEqual(await chosen('Artikel'), 'Name')
  t.assert.strictEqual(await chosen('Lieferant'), 'Leave out')
  t.assert.strictEqual(await chosen('Prices are written as'), '1.234,50')
  t.assert.strictEqual(await chosen('“Haushalt” is'), 'Household')
  t.assert.strictEqual(await chosen('“Pets” is'), 'Pet')
  t.assert.strictEqual(await chosen('“Gewürze” is'), 'Left as it is')
  await value('“bald” is').selectOption('Sold out')
  await inspect('import-columns')
  await page.getByRole('button', { name: 'Check 4 rows' }).click()

  await page.getByText('2 new items', { exact: true }).waitFor()
  const bad = page.getByRole('table', { name: 'Rows that are left out' })
  t.assert.deepStrictEqual(await bad.locator('tbody tr').allInnerTexts(), [
    '3\tPreis\t19,50x\tEnter a number such as 4.99.',
    '4\tWarengruppe\tGewürze\tEnter one of the eight categories, or say above which one is meant.',
  ])
  await inspect('import-check')
  const download = page.waitForEvent('download')
  await page.getByRole('link', { name: 'Download the 2 rows to correct' }).click()
  const file = await (await download).path()
  t.assert.strictEqual(await readFile(file, 'utf8'), `\uFEFF${[rows[0], rows[2], rows[3]].join('\r\n')}\r\n`)

  await page.getByRole('button', { name: 'Import 2 rows' }).click()
  await page.getByText('2 rows imported. 2 rows were left out.').waitFor()
  const imported = [
    ['Gießkanne', 'Household', 1234.5, true],
    ['Käse', 'Grocery', 2, false],
  ]
  t.assert.deepStrictEqual(await items(), imported)
  await inspect('import-done')

  // The corrected file has the same columns, so it is checked without asking again.
  await choose(page, [rows[0], rows[2]?.replace('x', ''), rows[3]?.replace('Gewürze', 'Grocery')].join('\n'))
  await page.getByText('2 new items', { exact: true }).waitFor()
  await page.getByRole('button', { name: 'Import 2 rows' }).click()
  await page.getByText('2 rows imported.').waitFor()
  t.assert.strictEqual((await items()).length, 4)
  await page.getByRole('button', { name: 'Undo the import…' }).click()
  await page.getByText('2 items that were new are deleted.').waitFor()
  await page.getByRole('button', { name: 'Undo 2 changes' }).click()
  await page.getByText('2 changes undone.').waitFor()
  t.assert.deepStrictEqual(await items(), imported)
  await page.getByRole('link', { name: 'Show them' }).click()
  await page.getByText('Gießkanne').waitFor()
})

test('rows are pasted without a header, and mapped by hand', { skip }, async (t: TestContext) => {
  const { page, open, signIn, inspect } = await openConsole(t)
  const ada = await signIn(email)
  await open('import')
  await page.getByRole('textbox', { name: 'Rows from a spreadsheet' }).fill('Green tea\t4.99\nCat grass\t2.5\n')
  await page.getByRole('button', { name: 'Use these rows' }).click()
  await page.getByText('Still needed: Name, Category, Price in dollars.').waitFor()
  t.assert.strictEqual(await page.getByRole('checkbox', { name: 'The first row names' }).isChecked(), false)
  await inspect('import-pasted')
  await page.getByRole('combobox', { name: 'Column 1' }).selectOption('Name')
  await page.getByRole('combobox', { name: 'Column 2' }).selectOption('Price in dollars')
  await page.getByRole('combobox', { name: 'Category of all rows' }).selectOption('Grocery')
  await page.getByRole('button', { name: 'Check 2 rows' }).click()
  await page.getByRole('button', { name: 'Import 2 rows' }).click()
  await page.getByText('2 rows imported.').waitFor()
  const names = Object.values<{ name: string }>((await ada.get('/items?sort=name&limit=9')).json()).map(
    ({ name }) => name,
  )
  t.assert.deepStrictEqual(names, ['Cat grass', 'Green tea'])
})

test('files that cannot be imported are explained', { skip }, async (t: TestContext) => {
  const { page, open, signIn, inspect } = await openConsole(t)
  await signIn(email)
  await open('import')
  await choose(page, 'PK\u0003\u0004')
  await page.getByText('This is a workbook. Save it as CSV').waitFor()
  await choose(page, '')
  await page.getByText('This file is empty.').waitFor()
  await choose(page, 'name,category,price,in_stock\nA,Pet,1,yes\nB"c,Pet,1,yes\n')
  await page.getByRole('button', { name: 'Check' }).click()
  await page.getByText('A quotation mark is out of place').waitFor()
  t.assert.strictEqual(await page.getByRole('button', { name: /^Import/ }).count(), 0)
  await inspect('import-broken')
})

test('a preview says that it lists only the first rows', { skip }, async (t: TestContext) => {
  const { page, open, signIn, inspect } = await openConsole(t)
  const ada = await signIn(email)
  await stock(ada, numbered(120))
  const items = (await ada.get('/items?limit=200')).json<Record<string, { id: string; name: string }>>()
  const changed = Object.values(items).map(({ id, name }) => `${id},${name},Pet,5,yes`)
  const bad = Array.from({ length: 1005 }, (_, index) => `,Cup ${index},Pet,x,yes`)
  await open('import')
  await choose(page, ['id,name,category,price,in_stock', ...changed, ...bad].join('\n'))
  await page.getByRole('button', { name: 'Check 1,125 rows' }).click()
  await page.getByText('120 changed items').waitFor()
  await page.getByRole('heading', { name: 'The first 10 changes' }).waitFor()
  await page.getByText('and 905 more').waitFor()
  await page.getByText('Only the first 1,000 rows with errors can be listed and downloaded.').waitFor()
  await page.getByRole('link', { name: 'Download the 1,000 rows to correct' }).waitFor()
  // The bar at the top would cover half of a button.
  await page.evaluate('scrollTo(0, 0)')
  await inspect('import-many')
})

test('an import whose response is lost is sent again once', { skip }, async (t: TestContext) => {
  const { page, tabs, open, signIn, complaints } = await openConsole(t)
  const ada = await signIn(email)
  await open('import')
  await choose(page, 'name,category,price,in_stock\nGreen tea,Grocery,4.99,yes\n')
  await page.getByRole('button', { name: 'Check 1 row' }).click()
  const button = page.getByRole('button', { name: 'Import 1 row' })
  await button.waitFor()
  let lost = 0
  await tabs.route(/items\/import/, async (route) => {
    if (lost++ > 0) return route.continue()
    await route.fetch()
    return route.abort()
  })
  await button.click()
  await page.getByText('1 row imported.').waitFor()
  t.assert.strictEqual(lost, 2)
  t.assert.strictEqual(Object.keys((await ada.get('/items?limit=9')).json()).length, 1)
  await page.getByRole('button', { name: 'Undo the import…' }).waitFor()
  t.assert.deepStrictEqual(complaints.splice(0), ['Failed to load resource: net::ERR_FAILED'])
})
