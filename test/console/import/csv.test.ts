import { test, type TestContext } from 'node:test'

import { parse } from 'csv-parse/sync'
import * as fc from 'fast-check'

import { type CsvRow, openCsv } from '../../../console/src/import/csv.ts'
import { openRecords } from '../../../src/items/import/records.ts'
import { UnreadableFile } from '../../../src/items/import/report.ts'

const pieces = {
  ',': ['a', 'b c', ',', ',', '"', '""', '"x,y"', '"1\n2"', '\n', '\r\n', '\r', ';', '😀'],
  '\t': ['a', '\t', '\t', '"', '"', '""', '"x\ty"', '"1\n2"', '\n', '\r\n', '\r', '😀'],
}

for (const [delimiter, choice] of Object.entries(pieces)) {
  const text = fc.array(fc.constantFrom(...choice), { maxLength: 30 }).map((parts) => parts.join(''))
  const cuts = fc.array(fc.nat({ max: 60 }), { maxLength: 5 })

  test(`the console reads CSV like the service, delimiter ${JSON.stringify(delimiter)}`, (t: TestContext) => {
    fc.assert(
      fc.property(text, cuts, (csv, at) => {
        const rows = read(cut(csv, at), delimiter)
        t.assert.deepStrictEqual(rows, read([csv], delimiter))
        const theirs = readByService(csv, delimiter)
        const isReadable = ({ damage }: CsvRow) => damage === undefined
        const isFirstDamaged = rows[0]?.damage !== undefined
        t.assert.deepStrictEqual(isFirstDamaged ? [] : rows.filter(isReadable), theirs.rows)
        const damaged = rows.filter((row) => !isReadable(row)).map(({ line }) => line)
        t.assert.deepStrictEqual(isFirstDamaged ? damaged.slice(0, 1) : damaged, theirs.damaged)
      }),
      { numRuns: 3_000 },
    )
  })
}

test('the console reads CSV like csv-parse', (t: TestContext) => {
  const field = fc.array(fc.constantFrom('a', ' ', ',', ';', '"', '\n', '\r\n', 'ü', '😀'), { maxLength: 6 })
  const row = fc.array(
    field.map((parts) => parts.join('')),
    { minLength: 2, maxLength: 4 },
  )
  fc.assert(
    fc.property(fc.array(row, { minLength: 1 }), fc.constantFrom(',', ';'), (table, delimiter) => {
      const quoted = (value: string) => `"${value.replaceAll('"', '""')}"`
      const csv = table.map((fields) => fields.map(quoted).join(delimiter)).join('\r\n')
      const expected: string[][] = parse(csv, { delimiter, relax_column_count: true, skip_empty_lines: true })
      t.assert.deepStrictEqual(
        read([csv], delimiter).map(({ fields }) => fields),
        expected,
      )
    }),
  )
})

test('a quote that is never closed ends at the longest row', (t: TestContext) => {
  const rows = read(['a,b\n', `"c,d\n${'e,f\n'.repeat(20_000)}`], ',')
  t.assert.deepStrictEqual(rows[1], { line: 2, fields: [], damage: 'too_long' })
  t.assert.strictEqual(rows.length, 20_002)
  t.assert.strictEqual(rows.at(-1)?.line, 20_002)
})

function read(parts: string[], delimiter: string): CsvRow[] {
  const reader = openCsv(delimiter)
  return [...parts.flatMap((part) => reader.read(part)), ...reader.end()]
}

function readByService(csv: string, delimiter: string): { rows: CsvRow[]; damaged: number[] } {
  const reader = openRecords(delimiter, 1)
  const rows: CsvRow[] = []
  try {
    for (const records of reader.read(csv)) rows.push(...records)
    for (const records of reader.end()) rows.push(...records)
  } catch (error) {
    if (!(error instanceof UnreadableFile)) throw error
    return { rows, damaged: error.errors.map(({ line }) => line) }
  }
  return { rows, damaged: [] }
}

function cut(text: string, at: number[]): string[] {
  const places = [...new Set(at.map((place) => Math.min(place, text.length)))].toSorted((one, other) => one - other)
  return [...places, text.length].map((place, index) => text.slice(places[index - 1] ?? 0, place))
}
