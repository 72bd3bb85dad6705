import { randomUUID } from 'node:crypto'
import { test, type TestContext } from 'node:test'

import { header, lines, openImporting, withId } from '../../support/imports.ts'

const nil = '00000000-0000-0000-0000-000000000000'
const max = 'FFFFFFFF-ffff-ffff-ffff-ffffffffffff'
const future = 'is a UUIDv7 from the future: leave it empty to get a new ID'

test('a new item gets no nil or max UUID, and none from the future', async (t: TestContext) => {
  const { upload, stock } = await openImporting(t)
  const ids = [nil, max, idAt(Date.now() + 60_000), 'ffffffff-ffff-7fff-bfff-ffffffffffff', idAt(Date.now() - 60_000)]
  for (const mode of ['create', 'upsert']) {
    for (const dry of ['&dry_run=true', '']) {
      const rows = ids.map((id) => `${id},a,Pet,1,true`)
      const { status, report } = await upload(lines(withId, ...rows), `?mode=${mode}&on_error=stop${dry}`)
      t.assert.deepStrictEqual([status, report.failed], [422, 4])
      t.assert.deepStrictEqual(
        report.errors.map(({ line, column, type }) => [line, column, type]),
        [2, 3, 4, 5].map((line) => [line, 'id', 'unfit_id']),
      )
      t.assert.match(report.errors[0]?.msg ?? '', /^is the nil UUID/)
      t.assert.match(report.errors[1]?.msg ?? '', /^is the max UUID/)
      t.assert.strictEqual(report.errors[2]?.msg, future)
    }
  }
  t.assert.deepStrictEqual(await stock(), [])
})

test('IDs of other UUID versions are accepted and kept', async (t: TestContext) => {
  const { upload, stock, context, ada } = await openImporting(t)
  const others = [randomUUID(), 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6', 'ffffffff-ffff-4fff-bfff-ffffffffffff']
  const created = await upload(lines(withId, ...others.map((id) => `${id},a,Pet,1,true`)))
  t.assert.deepStrictEqual([created.status, created.report.created], [200, 3])
  const old = [nil, max.toLowerCase(), idAt(Date.now() + 1e9)]
  const item = { name: 'a', category: 'Pet', price_usd: 1, in_stock: true, store_manager_id: ada.id } as const
  await context.db
    .insertInto('items')
    .values(old.map((id) => ({ id, ...item })))
    .execute()
  const rows = [...others, ...old].map((id) => `${id},b,Pet,1,true`)
  const { status, report } = await upload(lines(withId, ...rows), '?mode=upsert')
  t.assert.deepStrictEqual([status, report.updated], [200, 6])
  t.assert.ok((await stock()).every(({ name }) => name === 'b'))
})

test('a later item has a greater ID than those of an import', async (t: TestContext) => {
  const { upload, ada, stock } = await openImporting(t)
  await upload(lines(header, ...Array.from({ length: 5_000 }, () => 'a,Pet,1,true')))
  const later = await ada.post('/items', { name: 'later', category: 'Pet', price_usd: 1, in_stock: true })
  t.assert.strictEqual((await stock()).at(-1)?.id, later.json().id)
})

/** A UUIDv7 of a time in milliseconds. */
function idAt(time: number): string {
  const hex = time.toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`
}
