import { Readable } from 'node:stream'
import { test, type TestContext } from 'node:test'

import { parse } from 'csv-parse/sync'
import * as fc from 'fast-check'

import { csvRows } from '../../../src/items/import/csv.ts'
import { ndjsonRows } from '../../../src/items/import/ndjson.ts'
import { type CsvRecord, openRecords } from '../../../src/items/import/records.ts'
import { openReportBuilder, UnreadableFile } from '../../../src/items/import/report.ts'
import { rowCheck } from '../../../src/items/import/rows.ts'

test('records equal those of csv-parse, however the text is split', (t: TestContext) => {
  const piece = fc.constantFrom('a', 'b c', ',', ',', '"', '""', '"x,y"', '"1\n2"', '\n', '\r\n', '\r', ';', '😀')
  const text = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(''))
  const cuts = fc.array(fc.nat({ max: 60 }), { maxLength: 5 })
  fc.assert(
    fc.property(text, cuts, (csv, at) => {
      const { records, failure } = readAll(cut(csv, at), ',')
      const expected = theirs(csv)
      t.assert.strictEqual(failure === undefined, expected !== undefined, JSON.stringify(failure))
      if (expected)
        t.assert.deepStrictEqual(
          records.map(({ fields }) => fields),
          expected,
        )
      const whole = readAll([csv], ',')
      t.assert.deepStrictEqual([records, failure], [whole.records, whole.failure])
    }),
    { numRuns: 3_000 },
  )
})

test('tab-separated records are the same, however the text is split', (t: TestContext) => {
  const piece = fc.constantFrom('a', '\t', '\t', '"', '"', '""', '"x\ty"', '"1\n2"', '\n', '\r\n', '\r', '😀')
  const text = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(''))
  fc.assert(
    fc.property(text, fc.array(fc.nat({ max: 60 }), { maxLength: 5 }), (tsv, at) => {
      t.assert.deepStrictEqual(readAll(cut(tsv, at), '\t'), readAll([tsv], '\t'))
    }),
    { numRuns: 3_000 },
  )
})

test('each record has the line in which it begins', (t: TestContext) => {
  const csv = 'a\r\n\r\n"1\r\n2\r3\n4",b\r"x\n\n"\n\n\nlast'
  const { records } = readAll(cut(csv, [3, 9, 14]), ',')
  t.assert.deepStrictEqual(
    records.map(({ line, fields }) => [line, fields[0]]),
    [
      [1, 'a'],
      [3, '1\r\n2\r3\n4'],
      [7, 'x\n\n'],
      [12, 'last'],
    ],
  )
})

test('in TSV quotes are plain characters unless they enclose a field', (t: TestContext) => {
  for (const [field, value] of [
    ['5" pipe', '5" pipe'],
    ['"tea', '"tea'],
    ['"', '"'],
    ['"Best" tea', '"Best" tea'],
    ['"a ""b"""', 'a "b"'],
    ['"a,b"', 'a,b'],
    ['"a\tb"', 'a\tb'],
    ['""', ''],
    ['"a\nb"', 'a\nb'],
    ['"a\r\n""b"""', 'a\r\n"b"'],
    [`"${'long\n'.repeat(1_000)}"`, 'long\n'.repeat(1_000)],
  ] as const) {
    for (const at of [1, 2, 4, 5, 6, 7, 8, 4_096]) {
      const { records } = readAll(cut(`x\t${field}\tPet\r\ny\t${field}\r\nlast\tz\tPet`, [at]), '\t')
      t.assert.deepStrictEqual(
        records.map((record) => record.fields),
        [
          ['x', value, 'Pet'],
          ['y', value],
          ['last', 'z', 'Pet'],
        ],
        `${field} cut at ${at}`,
      )
      t.assert.strictEqual(records[2]?.line, 1 + 2 * field.split('\n').length)
    }
  }
})

test('a row may have 64 KiB and no more', (t: TestContext) => {
  for (const [length, failures] of [
    [2 ** 16, 0],
    [2 ** 16 + 1, 1],
  ] as const) {
    // Without a line end, so that it is complete only at the end.
    const { records, failure = [] } = readAll(['x'.repeat(length)], ',')
    t.assert.deepStrictEqual([records.length, Object.keys(failure).length], [1 - failures, failures])
  }
})

test('quoted records are read as they come', (t: TestContext) => {
  const csv = '"a","b"\n'.repeat(20_000)
  const cuts = Array.from({ length: csv.length / 4_000 }, (_, n) => n * 4_000)
  const { records, failure } = readAll(cut(csv, cuts), ',')
  t.assert.deepStrictEqual([records.length, failure], [20_000, undefined])
})

test('a line of NDJSON is refused before its end if it is too long', async (t: TestContext) => {
  let sent = 0
  const endless = async function* () {
    for (; sent < 100; sent++) yield Buffer.alloc(2 ** 14, 'x')
  }
  await t.assert.rejects(Array.fromAsync(ndjsonRows(endless())), UnreadableFile)
  t.assert.strictEqual(sent, 4)
})

test('errors beyond the first 1,000 are not described', (t: TestContext) => {
  const builder = openReportBuilder({ mode: 'create', dry_run: false })
  let described = 0
  const describe = () => [{ line: ++described, column: null, type: 'x', msg: 'x' }]
  for (let row = 0; row < 3_000; row++) builder.addRow({ count: 1, describe })
  const { errors, errors_omitted: omitted } = builder.report({ created: 0, updated: 0, unchanged: 0 })
  t.assert.deepStrictEqual([described, errors.length, omitted], [1_000, 1_000, 2_000])
})

test('a bad row costs no more memory than a few good ones', async (t: TestContext) => {
  const count = 40_000
  await costOf('a,Pet,1,true\n'.repeat(count))
  const good = await costOf('a,Pet,1,true\n'.repeat(count))
  for (const row of ['x\n', 'a,Pets,x,y\n', 'a,Pet,1,true,x\n', 'a"b,Pet,1,true\n', '"\n""x\n']) {
    const bad = await costOf(row.repeat(count))
    t.assert.ok(bad < 5 * good, `${row.trim()}: ${bad} is much more than ${good}`)
  }
})

/** Microseconds of the processor that it takes to read and check `rows`. */
async function costOf(rows: string): Promise<number> {
  const check = rowCheck('create')
  const builder = openReportBuilder({ mode: 'create', dry_run: true })
  const chunks = Readable.from(
    cut(
      rows,
      Array.from({ length: 100 }, (_, n) => n * 4_096),
    ).map((each) => Buffer.from(each)),
  )
  const before = process.cpuUsage()
  const text = chunks.iterator() as AsyncGenerator<Buffer>
  const head = async function* () {
    yield Buffer.from('name,category,price_usd,in_stock\n')
    yield* text
  }
  try {
    for await (const some of csvRows(head(), new Map())) {
      for (const row of some) {
        const checked = check(row)
        if ('count' in checked) builder.addRow(checked)
      }
    }
  } catch (error) {
    if (!(error instanceof UnreadableFile)) throw error
  }
  const { user, system } = process.cpuUsage(before)
  return user + system
}

test('the names of columns are read a few times, however many there are', async (t: TestContext) => {
  const fold = t.mock.method(String.prototype, 'toLowerCase')
  for (const line of [
    'a,'.repeat(30_000),
    ('a;'.repeat(3_000) + '\n').repeat(10),
    'b\t'.repeat(15_000) + '\n' + 'a'.repeat(30_000),
  ]) {
    fold.mock.resetCalls()
    const pieces = Array.from({ length: 16 }, (_, n) => Buffer.from(line.slice(n * 4_096, (n + 1) * 4_096)))
    const rows = csvRows(Readable.from(pieces).iterator() as AsyncGenerator<Buffer>, new Map())
    await t.assert.rejects(Array.fromAsync(rows), UnreadableFile)
    const calls = fold.mock.callCount()
    t.assert.ok(calls < 5 * line.length, `${calls} for ${line.length} characters`)
  }
})

function readAll(pieces: string[], delimiter: string): { records: CsvRecord[]; failure?: object } {
  const reader = openRecords(delimiter, 1)
  const records: CsvRecord[] = []
  try {
    for (const piece of pieces) for (const some of reader.read(piece)) records.push(...some)
    for (const some of reader.end()) records.push(...some)
    return { records }
  } catch (error) {
    if (!(error instanceof UnreadableFile)) throw error
    return { records, failure: error.errors }
  }
}

/** Undefined if csv-parse cannot read it. */
function theirs(csv: string): string[][] | undefined {
  try {
    const records: string[][] = parse(csv, {
      relax_column_count: true,
      skip_empty_lines: true,
      record_delimiter: ['\r\n', '\n', '\r'],
    })
    // A record of nothing but quotes is as good as a blank line.
    return records.filter(({ length, 0: first }) => length > 1 || first !== '')
  } catch {
    return undefined
  }
}

function cut(text: string, at: number[]): string[] {
  const cuts = [0, ...at.filter((each) => each < text.length).toSorted((one, other) => one - other), text.length]
  return cuts.slice(1).map((end, index) => text.slice(cuts[index], end))
}
