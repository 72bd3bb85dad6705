import { test, type TestContext } from 'node:test'

import { type Importing, lines, openImporting, withId } from '../../support/imports.ts'
import { isWriting, openListening, whileLocked } from '../../support/slow-imports.ts'

const withVersion = `${withId},version`
const unknown = '019a6f2b-7c1e-7b3a-9d5e-2f1c8e4b6a70'

test('a row with a version updates its item only at that version', async (t: TestContext) => {
  const app = await openImporting(t)
  const [one, two] = await twoItems(app)
  await app.ada.patch(`/items/${two}`, { name: 'other' })
  const rows = [`${one},x,Pet,1,true,1`, `${two},x,Pet,1,true,1`, `${unknown},x,Pet,1,true,1`, `,x,Pet,1,true,1`]
  for (const dry of ['&dry_run=true', '']) {
    const { status, report } = await app.upload(lines(withVersion, ...rows), `?mode=upsert&on_error=skip${dry}`)
    t.assert.deepStrictEqual([status, report.updated, report.created, report.failed], [200, 1, 0, 3])
    t.assert.deepStrictEqual(
      report.errors.map(({ line, column, type }) => [line, column, type]),
      [
        [3, 'version', 'version_mismatch'],
        [4, 'version', 'item_not_found'],
        [5, 'version', 'version_without_id'],
      ],
    )
    t.assert.match(report.errors[0]?.msg ?? '', /the current version is 2/)
  }
  t.assert.deepStrictEqual(await names(app), ['x', 'other'])
})

test('a version is a number or an ETag; anything else is a bad row', async (t: TestContext) => {
  const app = await openImporting(t)
  const [one, two] = await twoItems(app)
  const row = (id: string, version: unknown, name = 'x') =>
    JSON.stringify({ id, name, category: 'Pet', price_usd: 1, in_stock: true, version })
  const expanded = await app.ada.get(`/items/${two}?expand=store_manager`)
  const good = lines(row(one, 1), row(two, expanded.headers.etag), row(one, null, 'y').replace(one, unknown))
  const { report } = await app.upload(good, '?mode=upsert')
  t.assert.deepStrictEqual([report.updated, report.created], [2, 1])
  const bad = [0, -1, 1.5, '', 'x', '"x"', 'W/"1"', true, [1], 1e300]
  const { report: refused } = await app.upload(lines(...bad.map((each) => row(one, each, 'z'))), '?mode=upsert')
  t.assert.strictEqual(refused.failed, bad.length)
  t.assert.ok(refused.errors.every(({ column }) => column === 'version'))
  // New items have no version yet, whatever a file says.
  const created = await app.upload(lines('name,category,price_usd,in_stock,version', 'x,Pet,1,true,v1.2'))
  t.assert.deepStrictEqual([created.status, created.report.created], [200, 1])
})

test('a row that changes nothing may have any version', async (t: TestContext) => {
  const app = await openImporting(t, { REQUIRE_IF_MATCH: 'true' })
  const [one, two] = await twoItems(app)
  const file = lines(withVersion, `${one},x,Pet,1,true,1`, `${two},b,Pet,1,true,`)
  for (const counts of [
    [1, 1],
    [0, 2],
  ]) {
    const { status, report } = await app.upload(file, '?mode=upsert')
    t.assert.deepStrictEqual([status, report.updated, report.unchanged], [200, ...counts])
  }
})

test('REQUIRE_IF_MATCH requires a version in rows that change an item', async (t: TestContext) => {
  const app = await openImporting(t, { REQUIRE_IF_MATCH: 'true' })
  const [one, two] = await twoItems(app)
  const rows = lines(withVersion, `${one},x,Pet,1,true,`, `${two},x,Pet,1,true,1`, `${unknown},x,Pet,1,true,`)
  for (const dry of ['&dry_run=true', '']) {
    const { report } = await app.upload(rows, `?mode=upsert&on_error=skip${dry}`)
    t.assert.deepStrictEqual([report.updated, report.created, report.failed], [1, 1, 1])
    t.assert.deepStrictEqual([report.errors[0]?.line, report.errors[0]?.type], [2, 'version_required'])
  }
  t.assert.deepStrictEqual((await names(app)).toSorted(), ['a', 'x', 'x'])
})

test('a change between version check and update is not lost', async (t: TestContext) => {
  const app = await openListening(t)
  const [one] = await twoItems(app)
  const file = lines(withVersion, `,new,Pet,1,true,`, `${one},x,Pet,1,true,1`)
  let importing: ReturnType<typeof app.upload> | undefined
  await whileLocked(app, async (transaction) => {
    importing = app.upload(file, '?mode=upsert')
    await isWriting(app)
    await transaction.updateTable('items').set({ name: 'theirs', version: '2' }).where('id', '=', one).execute()
  })
  const answer = await importing
  t.assert.deepStrictEqual([answer?.status, answer?.report.errors[0]?.type], [422, 'version_mismatch'])
  t.assert.deepStrictEqual((await names(app)).toSorted(), ['b', 'theirs'])
})

async function twoItems(app: Importing): Promise<[string, string]> {
  const create = async (name: string): Promise<string> =>
    (await app.ada.post('/items', { name, category: 'Pet', price_usd: 1, in_stock: true })).json().id
  return [await create('a'), await create('b')]
}

async function names({ stock }: Importing): Promise<string[]> {
  return (await stock()).map(({ name }) => name)
}
