import { test, type TestContext } from 'node:test'

import * as fc from 'fast-check'

import { firstMapping, type Mapping } from '../../../console/src/import/mapping.ts'
import { rewrite } from '../../../console/src/import/rewrite.ts'
import { surveyOf } from '../../../console/src/import/survey.ts'
import { csvRows } from '../../../src/items/import/csv.ts'
import { rowCheck } from '../../../src/items/import/rows.ts'

const time = Date.UTC(2026, 10, 26)

test('a rewritten file has the values that the service expects', async (t: TestContext) => {
  const text =
    'Product name;Supplier;Category;Price;Available\nTea, green;Leaf;Grocery;4,99;ja\n"Can\n""big""";Co;Haushalt;1.299;0\n' +
    ';;;;\nDog;Co;Garden;19,50x;soon\nCat;Co;Pet;2,5;yes;more\nEnd;Co;Pet;3;1\n'
  const said = { categories: { Garden: 'Pet' as const }, stock: { soon: false } }
  const { rows, damaged, lines } = await rewritten(text, said)
  const id = (row: unknown) => (row as { id: string }).id
  t.assert.deepStrictEqual(
    rows.map(({ name, category, price_usd, in_stock }) => ({ name, category, price_usd, in_stock })),
    [
      { name: 'Tea, green', category: 'Grocery', price_usd: 4.99, in_stock: true },
      { name: 'Can\n"big"', category: 'Household', price_usd: 1299, in_stock: false },
      { name: 'Dog', category: 'Pet', price_usd: '19,50x', in_stock: false },
      { name: 'End', category: 'Pet', price_usd: 3, in_stock: true },
    ],
  )
  t.assert.deepStrictEqual(lines, [2, 3, 6, 8])
  t.assert.deepStrictEqual(damaged, [{ line: 7, damage: 'field_count' }])
  const later = await rewritten(text, said)
  const ids = [...rows, ...later.rows].map(id)
  t.assert.deepStrictEqual(ids, ids.toSorted())
  t.assert.strictEqual(new Set(ids).size, 8)
})

test('a price with three decimals is not taken for thousands', async (t: TestContext) => {
  const { rows } = await rewritten('name,category,price,in_stock\nA,Pet,1.299,1\n"B",Pet,"1.2.3,5",1\nC,Pet,1.299,1\n')
  t.assert.deepStrictEqual(
    rows.map(({ price_usd: price }) => price),
    [1.299, '1.2.3,5', 1.299],
  )
})

test('an export keeps its IDs and versions', async (t: TestContext) => {
  const id = '019a6f2b-7c1e-7b3a-9d5e-2f1c8e4b6a70'
  const { rows } = await rewritten(
    `id,name,category,price_usd,in_stock,version\n${id},A,Pet,1,true,3\n,B,Pet,1,true,\n`,
  )
  t.assert.deepStrictEqual(rows[0], { id, name: 'A', category: 'Pet', price_usd: 1, in_stock: true, version: 3 })
  t.assert.match(String(rows[1]?.['id']), /^[\da-f]{8}-[\da-f]{4}-7/)
})

test('rows without a category or stock get those of all rows', async (t: TestContext) => {
  const { rows } = await rewritten('Name,Price\nA,1\n', { category: 'Apparel', inStock: false })
  t.assert.deepStrictEqual(
    { ...rows[0], id: '' },
    { id: '', name: 'A', category: 'Apparel', price_usd: 1, in_stock: false },
  )
})

test('the service accepts each rewritten row in its original line', async (t: TestContext) => {
  const check = rowCheck('upsert')
  const name = fc
    .array(fc.constantFrom('a', 'ü', '"', ',', ';', '\n', '\r\n', '\t'), { maxLength: 8 })
    .map((parts) => `x${parts.join('')}`)
  const blankLines = fc.nat({ max: 2 }).map((count) => '\n'.repeat(count))
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(name, blankLines), { minLength: 1 }), async (table) => {
      let line = 2
      const expected = table.map(([cell, blank]) => {
        const at = line
        line += 1 + (cell.match(/\r\n|\r|\n/g)?.length ?? 0) + blank.length
        return { cell, at }
      })
      const row = ([cell, blank]: [string, string]) => `"${cell.replaceAll('"', '""')}";Pet;1,5;ja\n${blank}`
      const { rows, lines } = await rewritten(`Name;Category;Price;Stock\n${table.map(row).join('')}`)
      t.assert.deepStrictEqual(
        rows.map((fields, index) => ({ cell: fields['name'], at: lines[index] })),
        expected,
      )
      for (const fields of rows) t.assert.ok('item' in check({ line: 1, fields }))
    }),
    { numRuns: 50 },
  )
})

async function rewritten(text: string, said: Partial<Mapping> = {}) {
  const file = new Blob([text])
  const survey = await surveyOf(file)
  const mapping = { ...firstMapping(survey), ...said }
  const result = await rewrite(file, survey, mapping, { time })
  const bytes = Buffer.from(await result.file.arrayBuffer())
  const read = (await Array.fromAsync(csvRows(chunksOf(bytes), new Map()))).flat()
  const rows = read.map(({ fields }) => fields as Record<string, unknown>)
  return { ...result, rows, lines: read.map(({ line }) => result.lineOf(line)) }
}

async function* chunksOf(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes
}
