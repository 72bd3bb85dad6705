import { test, type TestContext } from 'node:test'

import * as fc from 'fast-check'

import { names } from '../../support/arbitraries.ts'
import { lines, openImporting } from '../../support/imports.ts'

const prices = [0.1, 1e21, 5e-324, 4.99, 1e-7, 123_456_789.01]

test('export, import, and export give the same bytes', async (t: TestContext) => {
  const { upload, ada, context } = await openImporting(t)
  const items = fc
    .sample(names, 3_000)
    .map((name, n) => ({ name, category: 'Pet', price_usd: prices[n % 6], in_stock: n % 2 > 0 }))
  t.assert.strictEqual((await upload(lines(...items.map((item) => JSON.stringify(item))))).report.created, 3_000)
  for (const [format, type] of [
    ['csv', 'text/csv'],
    ['ndjson', 'application/x-ndjson'],
  ]) {
    const before = (await ada.get(`/items/export?format=${format}`)).body
    await context.db.deleteFrom('items').execute()
    const imported = await ada.post('/items/import', before, { 'content-type': type ?? '' })
    t.assert.deepStrictEqual([imported.statusCode, imported.json().created], [200, 3_000])
    t.assert.ok((await ada.get(`/items/export?format=${format}`)).body === before)
    const again = await ada.post('/items/import?mode=upsert', before, { 'content-type': type ?? '' })
    t.assert.deepStrictEqual([again.statusCode, again.json().unchanged], [200, 3_000])
  }
})
