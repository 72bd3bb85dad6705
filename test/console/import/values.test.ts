import { test, type TestContext } from 'node:test'

import * as fc from 'fast-check'

import { fieldsOf } from '../../../console/src/import/columns.ts'
import { decimalSignIn, guessCategory, readCategory, readPrice, readStock } from '../../../console/src/import/values.ts'

test('prices are read with either decimal sign', (t: TestContext) => {
  const prices: [text: string, withPoint: string | undefined, withComma?: string][] = [
    ['4.99', '4.99'],
    ['19,50', '19.50'],
    ['1.234,50', '1234.50'],
    ['1,234.50', '1234.50'],
    ['1.299', '1.299', '1299'],
    ['1,299', '1299', '1.299'],
    ['0.125', '0.125'],
    ['0,125', '0.125'],
    ['1.234.567', '1234567'],
    ['1,234,567.5', '1234567.5'],
    ["1'234.50", '1234.50'],
    ['1 234,50', '1234.50'],
    ['1\u00a0234,5', '1234.5'],
    ['$4.99', '4.99'],
    ['US$ 4,99', '4.99'],
    ['4.99 USD', '4.99'],
    ['5,-', '5'],
    ['5.–', '5'],
    ['007', '7'],
    ['.5', '0.5'],
    ['5e-7', '5e-7'],
    ['-3', '-3'],
    ['4.99 €', undefined],
    ['19,50x', undefined],
    ['1.23.4', undefined],
    ['1,23,456.00', undefined],
    ['5.', undefined],
    ['', undefined],
    ['.', undefined],
    ['free', undefined],
  ]
  for (const [text, withPoint, withComma = withPoint] of prices) {
    t.assert.strictEqual(readPrice(text, '.'), withPoint, `${text} with a point`)
    t.assert.strictEqual(readPrice(text, ','), withComma, `${text} with a comma`)
  }
})

for (const [locale, sign] of [
  ['de', ','],
  ['en', '.'],
  ['fr', ','],
  ['sv', ','],
  ['de-CH', '.'],
] as const) {
  test(`prices as ${locale} writes them are read exactly`, (t: TestContext) => {
    const format = new Intl.NumberFormat(locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 })
    fc.assert(
      fc.property(fc.nat({ max: 1_000_000_000 }), (cents) => {
        const text = format.format(cents / 100)
        t.assert.strictEqual(Number(readPrice(text, sign)), cents / 100, text)
        t.assert.strictEqual(decimalSignIn(text), sign, text)
      }),
    )
  })
}

test('the decimal sign is known only if a price shows it', (t: TestContext) => {
  const signs = ['4.99', '4,99', '1.234,50', '1,234.50', '1.299', '1,299', '1.234.567', '500', 'tea', '4,5 kg'].map(
    decimalSignIn,
  )
  t.assert.deepStrictEqual(signs, [
    '.',
    ',',
    ',',
    '.',
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ])
})

test('categories are read in any case, and guessed by meaning', (t: TestContext) => {
  t.assert.strictEqual(readCategory(' home  IMPROVEMENT '), 'Home Improvement')
  t.assert.strictEqual(readCategory('Pets'), undefined)
  const guesses = ['Pets', 'Groceries', 'Lebensmittel', 'Personal', 'Körperpflege', 'Garden', 'Pe', ''].map(
    guessCategory,
  )
  t.assert.deepStrictEqual(guesses, [
    'Pet',
    'Grocery',
    'Grocery',
    'Personal Care',
    'Personal Care',
    undefined,
    undefined,
    undefined,
  ])
})

test('stock is read as words of two languages, and as numbers', (t: TestContext) => {
  for (const text of ['true', 'Yes', 'ja', '1', 'x', '17', 'In stock', 'auf Lager', 'WAHR'])
    t.assert.strictEqual(readStock(text), true, text)
  for (const text of ['false', 'no', 'Nein', '0', 'sold out', 'ausverkauft', 'FALSCH'])
    t.assert.strictEqual(readStock(text), false, text)
  for (const text of ['', 'soon', '-1', '1.5']) t.assert.strictEqual(readStock(text), undefined, text)
})

test('columns are recognized by their names in English and German', (t: TestContext) => {
  const headers: [names: string, fields: string][] = [
    ['id name category price_usd in_stock store_manager_id', 'id name category price_usd in_stock -'],
    ['Product_name Supplier Category Price_(USD) Available', 'name - category price_usd in_stock'],
    ['Artikelnummer Artikel Warengruppe Preis Lagerbestand', '- name category price_usd in_stock'],
    ['Bezeichnung Kategorie EK-Preis VK-Preis verfügbar', 'name category - price_usd in_stock'],
    ['Name Name Preis_€ Price_$', 'name - - price_usd'],
    ['Description Product', '- name'],
    ['Foo Bar', '- -'],
  ]
  for (const [names, fields] of headers) {
    const found = fieldsOf(names.split(' ').map((name) => name.replaceAll('_', ' ')))
    t.assert.strictEqual(found.map((field) => field ?? '-').join(' '), fields, names)
  }
})
