import { test, type TestContext } from 'node:test'

import * as fc from 'fast-check'

import { formatsOf } from '../../../console/src/format.ts'

const languages = ['en-US', 'de-DE', 'fr-FR', 'sv-SE', 'de-CH', 'ar-EG']

test('prices are read with either decimal sign, and grouping by language', (t: TestContext) => {
  const en = formatsOf(['en-US'])
  const de = formatsOf(['de-DE'])
  const fr = formatsOf(['fr-FR'])
  const cases: [text: string, english: number | undefined, german?: number | undefined][] = [
    ['4.99', 4.99],
    ['4,99', 4.99],
    [' $4.99 ', 4.99],
    ['4,99 US$', 4.99],
    ['1.234,50', 1234.5],
    ['1,234.50', 1234.5],
    ['1.234.567', 1234567],
    ['1,234', 1234, 1.234],
    ['1.234', 1.234, 1234],
    ['0.125', 0.125, 0.125],
    ['4.995', 4.995, 4995],
    ['1 234,50', 1234.5],
    ["1'234.50", 1234.5],
    ['.5', 0.5],
    ['5.', 5],
    ['007', 7],
    ['1e-7', 1e-7],
    ['٤٫٩٩', 4.99],
    ['1.23.4', undefined],
    ['1,23,456.7', undefined],
    ['12.34,567.8', undefined],
    ['', undefined],
    ['-1', undefined],
    ['19,50x', undefined],
    ['1e999', undefined],
    ['.', undefined],
    ['NaN', undefined],
  ]
  for (const [given, english, german = english] of cases) {
    t.assert.strictEqual(en.parsePrice(given), english, `${given} in English`)
    t.assert.strictEqual(de.parsePrice(given), german, `${given} in German`)
  }
  t.assert.strictEqual(fr.parsePrice('1 234,50 $US'.replace('$US', '$')), 1234.5)
})

test('a price as it is edited is read as the same price', (t: TestContext) => {
  for (const language of languages) {
    const { plainPrice, parsePrice } = formatsOf([language])
    fc.assert(
      fc.property(fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }), (price) => {
        t.assert.strictEqual(parsePrice(plainPrice(Math.abs(price))), Math.abs(price))
      }),
    )
  }
})

test('a price as it is edited has cents', (t: TestContext) => {
  const [english, german] = languages.map((language) => formatsOf([language]).plainPrice)
  t.assert.deepStrictEqual([5, 2.5, 0.0000001].map(english ?? String), ['5.00', '2.50', '0.0000001'])
  t.assert.strictEqual(german?.(1234.5), '1234,50')
})

test('prices are shown with all of their digits', (t: TestContext) => {
  const { money } = formatsOf(['en-US'])
  t.assert.strictEqual(money(5), '$5.00')
  t.assert.strictEqual(money(4.995), '$4.995')
  t.assert.strictEqual(money(0.0000001), '$0.0000001')
  t.assert.strictEqual(money(1234567.89), '$1,234,567.89')
  t.assert.strictEqual(money(0), '$0.00')
  t.assert.strictEqual(money(1e300), '$1E300')
  t.assert.strictEqual(money(5e-324), '$5E-324')
  t.assert.strictEqual(formatsOf(['de-DE']).money(1234.5), '1.234,50\u00a0$')
})

test('times are relative within a day', (t: TestContext) => {
  const { timeAgo } = formatsOf(['en-US'])
  const now = Date.parse('2026-05-03T12:00:00Z')
  const at = (minutes: number) => timeAgo(new Date(now - minutes * 60_000).toISOString(), now)
  t.assert.deepStrictEqual([at(0), at(5), at(120)], ['now', '5 minutes ago', '2 hours ago'])
  t.assert.match(at(3 * 24 * 60), /2026/)
})
