import { readdirSync, readFileSync } from 'node:fs'
import { test, type TestContext } from 'node:test'

import { type Importing, lines, openImporting } from '../../support/imports.ts'

const tea = { category: 'Grocery', price_usd: 4.99, in_stock: true }
const other = { price_usd: 12, in_stock: false }

/** Files that come in as they are, and the names of their items. */
const accepted: Record<string, [string, string]> = {
  'excel-utf8.csv': ['Green tea', 'Leash'],
  'excel-german.csv': ['Grüner Tee', 'Leine'],
  'excel-unicode-text.txt': ['Green tea', '5" pipe'],
  'excel-tab-delimited.txt': ['Green tea', 'Pipe 5"'],
  'excel-missing-last-fields.csv': ['Green tea', 'Leash'],
  'excel-sep-line.csv': ['Green tea', 'Leash'],
  'excel-empty-rows-and-columns.csv': ['Green tea', 'Leash'],
  'excel-macintosh-lines.csv': ['Green tea', 'Leash'],
  'google-sheets.csv': ['Green tea', 'Leash'],
  'google-sheets.tsv': ['Green tea', 'Leash'],
  'libreoffice-quoted.csv': ['Green tea, "loose"', 'Leash'],
  'libreoffice-line-breaks.csv': ['Green tea\n100 bags', 'Leash'],
  'libreoffice-tabs-and-line-breaks.csv': ['Green tea\n100 bags', 'Leash'],
  'libreoffice-utf16.csv': ['Green tea, "loose"', 'Leash'],
  'two-note-columns.csv': ['Green tea', 'Leash'],
  'yes-no-and-case.csv': ['Green tea', 'Leash'],
  'separator-in-names.csv': ['Tea, green, loose, 100 g', 'Leash'],
}

/** Files that need a change first, and the error: line, column, and message. */
const refused: Record<string, [number, string | null, string][]> = {
  'numbers-table-title.csv': [
    [1, null, 'is "Table 1", and the columns are named in line 2: delete the lines above that'],
  ],
  'title-above.csv': [
    [1, null, 'is "Stock of the shop,,,", and the columns are named in line 3: delete the lines above that'],
  ],
  'no-header.csv': [
    [1, null, 'is a data row, not a header: add a first line that names name, category, price_usd, in_stock'],
  ],
  'foreign-header.csv': [
    [
      1,
      null,
      'has none of the columns name, category, price_usd, in_stock: rename those of the file, or map them, ' +
        'as in column=price_usd=Preis',
    ],
  ],
  'blank.csv': [[1, null, 'is empty: the first line must name the columns name, category, price_usd, in_stock']],
  'german-prices.csv': [
    [2, 'price_usd', '"4,99" is not a number: write 4.99'],
    [3, 'price_usd', '"1.299" may mean 1299 or 1.299: write 1299, or 1.2990'],
    [4, 'price_usd', '"1.299,50" is not a number: write 1299.50'],
  ],
  'currency.csv': [
    [2, 'price_usd', '"$4.99" is not a number: write 4.99 without the $'],
    [3, 'price_usd', '"$1,299.00" is not a number: write 1299.00 without the $'],
    [4, 'price_usd', '"1 299.00" is not a number: write 1299.00'],
  ],
  'odd-numbers.csv': [
    [2, 'price_usd', '"05" is not a number: write 5'],
    [3, 'price_usd', '".5" is not a number: write 0.5'],
    [4, 'price_usd', '"5." is not a number: write 5'],
    [5, 'price_usd', '"(4.99)" is negative: a price must be at least 0'],
    [6, 'price_usd', '"#N/A" is a spreadsheet error: fix the formula'],
    [7, 'price_usd', 'is empty: write a price such as 4.99'],
    [8, 'price_usd', '"1,299" may mean 1299 or 1.299: write 1299, or 1.2990'],
    [9, 'price_usd', '"free" is not a number: write a price such as 4.99'],
  ],
  'odd-words.csv': [
    [2, 'category', '"Pets" is not a category: did you mean "Pet"?'],
    [3, 'category', '"Electronic" is not a category: did you mean "Electronics"?'],
    [4, 'category', `"Food" is not a category: write one of ${listed()}`],
    [5, 'category', `is empty: write one of ${listed()}`],
    [6, 'in_stock', '"12" is not a boolean: write true or false'],
    [7, 'in_stock', '"x" is not a boolean: write true or false'],
    [8, 'category', `"Clothing" is not a category: write one of ${listed()}`],
    [9, 'category', `"${'x'.repeat(40)}" is not a category: write one of ${listed()}`],
    [10, 'category', `"${'x'.repeat(40)}…" is not a category: write one of ${listed()}`],
  ],
  'article-numbers.csv': [[2, 'id', '"A-1017" is not a UUID: if the column has article numbers, rename it']],
  'windows-1252.csv': [
    [2, null, 'is not UTF-8: save the file as UTF-8, or name its charset, as in text/csv; charset=windows-1252'],
  ],
  'workbook.xlsx': [[1, null, 'is a spreadsheet workbook or a ZIP file: save it as CSV UTF-8 first']],
  'workbook.ods': [[1, null, 'is a spreadsheet workbook or a ZIP file: save it as CSV UTF-8 first']],
  'workbook.xls': [[1, null, 'is an Excel workbook: save it as CSV UTF-8 first']],
}

test('files of spreadsheet programs are imported as they are saved', async (t: TestContext) => {
  const app = await openImporting(t)
  for (const [file, [first, second]] of Object.entries(accepted)) {
    const { status, report } = await upload(app, file)
    t.assert.deepStrictEqual([status, report.created, report.errors], [200, 2, []], file)
    const [one, two] = await app.contents()
    t.assert.deepStrictEqual(one, { name: first, ...tea }, file)
    t.assert.deepStrictEqual(two, { name: second, category: two?.category, ...other }, file)
    await app.context.db.deleteFrom('items').execute()
  }
  t.assert.deepStrictEqual((await upload(app, 'header-only.csv')).report.created, 0)
})

test('what to change in a file is reported by line and column', async (t: TestContext) => {
  const app = await openImporting(t)
  for (const [file, errors] of Object.entries(refused)) {
    const { status, report } = await upload(app, file)
    t.assert.strictEqual(status, 422, file)
    t.assert.deepStrictEqual(
      report.errors.map(({ line, column, msg }) => [line, column, msg]),
      errors,
      file,
    )
  }
  const afterSeparator = await app.upload(lines('sep=;', 'name;category;price_usd;in_stock', 'a;Pet;x;true'))
  t.assert.strictEqual(afterSeparator.report.errors[0]?.line, 3)
})

test('most spreadsheet files are imported or need one change', async (t: TestContext) => {
  const app = await openImporting(t)
  const files = readdirSync(new URL('../../fixtures/spreadsheets/', import.meta.url))
  let few = 0
  for (const file of files) {
    const { report } = await upload(app, file, '?dry_run=true')
    if (new Set(report.errors.map(({ msg }) => msg)).size <= 1) few++
  }
  t.diagnostic(`${few} of ${files.length} files`)
  t.assert.ok(few >= (files.length * 20) / 28)
})

test('an ambiguous price is refused although the comma comes later', async (t: TestContext) => {
  const app = await openImporting(t)
  for (const query of ['?on_error=skip&dry_run=true', '?on_error=skip', '?dry_run=true', '']) {
    const { report } = await upload(app, 'german-prices-in-quotes.csv', query)
    t.assert.deepStrictEqual([report.created, report.failed], [0, 3], query)
    t.assert.deepStrictEqual(
      report.errors.map(({ line, msg }) => [line, msg]),
      [
        [2, '"1.299" may mean 1299 or 1.299, for other prices have decimal commas: write 1299, or 1.2990'],
        [3, '"4,99" is not a number: write 4.99'],
        [4, '"1.250" may mean 1250 or 1.250: write 1250, or 1.2500'],
      ],
    )
  }
  // Corrected except for the rows that were valid by themselves, it would be imported with their prices.
  const first = lines(
    'name,category,price_usd,in_stock',
    'a,Pet,1.299,true',
    ...Array<string>(1_500).fill('b,Pet,1.250,true'),
  )
  const many = await app.upload(`${first}c,Pet,"4,99",true\n`)
  t.assert.deepStrictEqual(
    [many.report.failed, many.report.errors.length, many.report.errors_omitted],
    [1_502, 1_000, 502],
  )
  for (const query of ['', '?on_error=skip']) {
    const broken = await app.upload(
      lines('name,category,price_usd,in_stock', 'a,Pet,1.299,true', 'b"c,Pet,"4,99",true', 'd,Pet,"4,99",true'),
      query,
    )
    t.assert.deepStrictEqual(
      broken.report.errors.map(({ line, type }) => [line, type]),
      [
        [2, 'ambiguous_number'],
        [3, 'csv_invalid'],
        [4, 'float_type'],
      ],
    )
  }
  const surplus = lines('name,category,price_usd,in_stock', 'a,Pet,1.299,true', 'b,Pet,"4,99",true', 'c,Pet,1,true,x')
  for (const query of ['', '?on_error=skip']) {
    const { report } = await app.upload(surplus, query)
    t.assert.deepStrictEqual(
      report.errors.map(({ type }) => type),
      ['ambiguous_number', 'float_type', 'field_count'],
    )
  }
  // No decimal comma.
  for (const price of ['"1,299"', '"1.299,555"', '"x4,99"']) {
    const file = lines('name,category,price_usd,in_stock', 'a,Pet,1.299,true', `b,Pet,${price},true`)
    const { report } = await app.upload(file, '?on_error=skip&dry_run=true')
    t.assert.deepStrictEqual([report.created, report.failed], [1, 1], price)
  }
  // Without such a comma it is what it says, as in an export.
  const { report } = await app.upload(lines('name,category,price_usd,in_stock', 'a,Pet,1.299,true'))
  t.assert.strictEqual(report.created, 1)
  t.assert.strictEqual((await app.contents())[0]?.price_usd, 1.299)
})

test('query parameters map the columns of a file', async (t: TestContext) => {
  const app = await openImporting(t)
  const columns = ['name=Produkt', 'category=Kategorie', 'price_usd=Preis', 'in_stock=lager']
  const query = columns.map((each) => `column=${encodeURIComponent(each)}`).join('&')
  t.assert.strictEqual((await upload(app, 'foreign-header.csv', `?${query}`)).report.created, 1)
  const missing = await upload(app, 'foreign-header.csv', `?${query.replace('Preis', 'Cost')}`)
  t.assert.deepStrictEqual(
    missing.report.errors.map(({ column, msg }) => [column, msg]),
    [['price_usd', 'is mapped to the column "Cost", which the file lacks']],
  )
  const optional = await upload(app, 'foreign-header.csv', `?${query}&column=id%3DNummer`)
  t.assert.deepStrictEqual(
    optional.report.errors.map(({ column, msg }) => [column, msg]),
    [['id', 'is mapped to the column "Nummer", which the file lacks']],
  )
  const equation = await app.upload(lines(' a=b ,category,price_usd,in_stock', 'Tea,Pet,1,true'), '?column=name=a=b')
  t.assert.deepStrictEqual([equation.status, equation.report.created], [200, 1])
  const twice = await upload(app, 'foreign-header.csv', '?column=name=Produkt&column=name=Preis')
  t.assert.deepStrictEqual([twice.status, twice.report.errors[0]?.msg], [422, 'names name more than once'])
  const json = await app.upload('{"name":"a"}', '?column=name=a')
  t.assert.deepStrictEqual([json.status, json.report.code], [422, 'invalid_request'])
  const wrong = await upload(app, 'foreign-header.csv', '?column=Preis&column=owner=x')
  t.assert.deepStrictEqual([wrong.status, wrong.report.code, wrong.report.errors.length], [422, 'invalid_request', 2])
})

test('JSON sent as CSV, or an array sent as NDJSON, is recognized', async (t: TestContext) => {
  const { upload: send, ada } = await openImporting(t)
  const csv = 'name,category,price_usd,in_stock\na,Pet,1,true\n'
  for (const [body, hint] of [
    [JSON.stringify(csv), /without JSON\.stringify/],
    ['[{"name":"a"}]', /send it as application\/x-ndjson/],
  ] as const) {
    const { status, report } = await send(body)
    t.assert.deepStrictEqual([status, report.failed], [422, 1])
    t.assert.match(report.errors[0]?.msg ?? '', hint)
  }
  const array = await ada.post('/items/import', '[{"name":"a"},\n]', { 'content-type': 'application/x-ndjson' })
  t.assert.match(array.json().errors[0].msg, /without brackets/)
})

function upload(app: Importing, file: string, query = '') {
  return app.upload(readFileSync(new URL(`../../fixtures/spreadsheets/${file}`, import.meta.url)), query)
}

function listed(): string {
  return '"Grocery", "Household", "Electronics", "Stationery", "Personal Care", "Apparel", "Home Improvement", "Pet"'
}
