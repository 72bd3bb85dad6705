import { test, type TestContext } from 'node:test'
import { isDeepStrictEqual } from 'node:util'

import * as fc from 'fast-check'

import { header, type Importing, lines, openImporting, type Report, withId } from '../../support/imports.ts'

const own = '019a6f2b-7c1e-7b3a-9d5e-2f1c8e4b6a70'
const changed = '019a6f2b-7c1e-7b3a-9d5e-2f1c8e4b6a71'
const others = '019a6f2b-7c1e-7b3a-9d5e-2f1c8e4b6a72'
const unknown = '019a6f2b-7c1e-7b3a-9d5e-2f1c8e4b6a73'
const later = 'f19a6f2b-7c1e-7b3a-9d5e-2f1c8e4b6a73'
const nil = '00000000-0000-0000-0000-000000000000'

type Stock = Awaited<ReturnType<Importing['stock']>>
type Fields = Record<'id' | 'name' | 'category' | 'price_usd' | 'in_stock' | 'version', string>

const row: fc.Arbitrary<Fields> = fc.record({
  id: fc.constantFrom('', '', own, own.toUpperCase(), changed, others, unknown, later, nil, 'A-17'),
  name: fc.constantFrom('a', 'b', 'same', '', 'x'.repeat(65)),
  category: fc.constantFrom('Pet', 'Pet', 'Pet', 'grocery', 'Pets'),
  price_usd: fc.constantFrom('1', '2.5', '1.299', '1e2', '4,99', '-1', ''),
  in_stock: fc.constantFrom('true', 'true', 'no', 'x'),
  version: fc.constantFrom('', '', '1', '2', 'x'),
})

test('a dry run and the import that follows report the same', async (t: TestContext) => {
  const apps = [await openImporting(t), await openImporting(t, { REQUIRE_IF_MATCH: 'true', ITEM_WRITES: 'shared' })]
  const runs = Math.ceil(Number(process.env['PROPERTY_RUNS'] ?? 120) / 3)
  const seen = new Set<string>()
  await fc.assert(
    fc.asyncProperty(
      fc.array(row, { maxLength: 6 }),
      fc.constantFrom(toCsv, toNdjson),
      fc.constantFrom('create', 'upsert'),
      fc.constantFrom('stop', 'skip'),
      fc.constantFrom(...apps),
      async (rows, write, mode, onError, app) => {
        await arrange(app)
        const query = `?mode=${mode}&on_error=${onError}`
        const dry = await app.upload(write(rows), `${query}&dry_run=true`)
        const before = await app.stock()
        t.assert.strictEqual(before.length, 3)
        const real = await app.upload(write(rows), query)
        t.assert.deepStrictEqual(
          { ...real, report: comparable(real.report) },
          { ...dry, report: comparable(dry.report) },
        )
        const after = await app.stock()
        t.assert.strictEqual(after.length, 3 + real.report.created)
        if (real.status === 200)
          t.assert.deepStrictEqual(dry.report.changes ?? [], changesOf(dry.report, before, after))
        for (const { type } of real.report.errors) seen.add(type)
        if (dry.report.changes?.length) seen.add('change')
      },
    ),
    { numRuns: runs, examples: everyRefusal(apps) },
  )
  const expected = [
    'change',
    'duplicate_id',
    'id_exists',
    'not_owner',
    'unfit_id',
    'version_mismatch',
    'version_required',
  ]
  t.assert.deepStrictEqual(
    expected.filter((type) => !seen.has(type)),
    [],
  )
})

test('a dry run of upserts lists the first ten changes by line', async (t: TestContext) => {
  const { upload, stock } = await openImporting(t)
  await upload(lines(header, ...Array.from({ length: 15 }, (_, at) => `item ${at},Pet,${at},true`)))
  const items = await stock()
  const rows = items.map(
    ({ id, name, price_usd: price }, at) => `${id},${name},Pet,${at === 3 ? price : price + 1},true`,
  )
  const file = lines(withId, `,new,Pet,1,true`, ...rows.toReversed())
  const { report } = await upload(file, '?mode=upsert&dry_run=true')
  t.assert.deepStrictEqual([report.created, report.updated, report.unchanged], [1, 14, 1])
  t.assert.deepStrictEqual(
    report.changes?.map(({ line }) => line),
    [3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
  )
  t.assert.deepStrictEqual(report.changes?.[0], {
    line: 3,
    id: items[14]?.id,
    before: { name: 'item 14', category: 'Pet', price_usd: 14, in_stock: true },
    after: { name: 'item 14', category: 'Pet', price_usd: 15, in_stock: true },
  })
  t.assert.deepStrictEqual(
    (await upload(lines(header, 'a,Pet,1,true'), '?mode=upsert&dry_run=true')).report.changes,
    [],
  )
  for (const query of ['?dry_run=true', '?mode=upsert']) {
    t.assert.strictEqual((await upload(lines(header, 'a,Pet,1,true'), query)).report.changes, undefined)
  }
})

test('a dry run counts new items named like an item of the manager', async (t: TestContext) => {
  const { upload, bob } = await openImporting(t)
  const file = lines(header, 'a,Pet,1,true', 'b,Pet,1,true', 'b,Pet,1,true')
  t.assert.strictEqual((await upload(file, '?dry_run=true')).report.same_name, 0)
  t.assert.strictEqual((await upload(file)).report.same_name, undefined)
  const more = lines(header, 'b,Pet,9,false', 'c,Pet,1,true', 'a,Pet,1,true')
  for (const mode of ['create', 'upsert']) {
    t.assert.strictEqual((await upload(more, `?dry_run=true&mode=${mode}`)).report.same_name, 2)
    t.assert.strictEqual((await upload(more, `?dry_run=true&mode=${mode}`, bob)).report.same_name, 0)
  }
})

type Example = [Fields[], (rows: Fields[]) => string, string, string, Importing]

/** Files that are refused for what only the table knows. */
function everyRefusal([strict, shared]: Importing[]): Example[] {
  const good = { id: '', name: 'b', category: 'Pet', price_usd: '2.5', in_stock: 'true', version: '' }
  const rowWith = (id: string, version = '') => ({ ...good, id, version })
  const rows = [rowWith(unknown), rowWith(unknown), rowWith(own), rowWith(changed, '1'), rowWith(others), rowWith(nil)]
  return [strict, shared].flatMap((app) =>
    ['create', 'upsert'].map((mode): Example => [rows, toCsv, mode, 'skip', app as Importing]),
  )
}

/** Three items: two of Ada, one of which was changed, and one of Bob. */
async function arrange({ context, ada, bob }: Importing): Promise<void> {
  await context.db.deleteFrom('items').execute()
  const item = { name: 'same', category: 'Pet', price_usd: 1, in_stock: true, store_manager_id: ada.id } as const
  await context.db
    .insertInto('items')
    .values([
      { id: own, ...item },
      { id: changed, ...item, version: '2' },
      { id: others, ...item, store_manager_id: bob.id },
    ])
    .execute()
}

/** The changes that an import made of those that its dry run told, as it tells them. */
function changesOf({ changes = [] }: Report, before: Stock, after: Stock): Report['changes'] {
  const contents = (items: Stock, id: string) => {
    const { name, category, price_usd, in_stock } = items.find((item) => item.id === id) as Stock[number]
    return { name, category, price_usd, in_stock }
  }
  const differing = before.filter(({ id }) => !isDeepStrictEqual(contents(before, id), contents(after, id)))
  const lineOf = (id: string) => changes.find((change) => change.id === id)?.line ?? 0
  return differing
    .map(({ id }) => ({ line: lineOf(id), id, before: contents(before, id), after: contents(after, id) }))
    .toSorted((one, other) => one.line - other.line)
}

function comparable(report: Report): Partial<Report> {
  const { mode, created, updated, unchanged, failed, errors, errors_omitted: omitted } = report
  return { mode, created, updated, unchanged, failed, errors, errors_omitted: omitted }
}

function toCsv(rows: Fields[]): string {
  const quoted = (text: string) => (text.includes(',') ? `"${text}"` : text)
  return lines(
    'id,name,category,price_usd,in_stock,version',
    ...rows.map((each) =>
      [each.id, each.name, each.category, each.price_usd, each.in_stock, each.version].map(quoted).join(','),
    ),
  )
}

function toNdjson(rows: Fields[]): string {
  const value = (text: string) => (text === '' ? null : text)
  const written = rows.map(({ id, price_usd, in_stock, version, ...rest }) => ({
    ...rest,
    id: value(id),
    price_usd: Number(price_usd.replace(',', '.')),
    in_stock: in_stock === 'true',
    version: value(version),
  }))
  return rows.length === 0 ? '{}' : lines(...written.map((each) => JSON.stringify(each)))
}
