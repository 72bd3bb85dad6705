import { test, type TestContext } from 'node:test'

import { parsePlace, toQuery, toSearch } from '../../../console/src/changes/query.ts'

const id = '019a6f2c-11aa-7000-9c1d-4e7b0f6a2d35'

test('the place in the changes survives the URL', (t: TestContext) => {
  const search = `manager=me&kind=import&day=2026-11-26&after=${id}&set=${id}`
  t.assert.strictEqual(toSearch(parsePlace(`?${search}`)), search)
  t.assert.strictEqual(toSearch(parsePlace(`manager=${id.toUpperCase()}`)), `manager=${id}`)
})

test('unknown values in the URL of the changes are ignored', (t: TestContext) => {
  t.assert.strictEqual(toSearch(parsePlace('manager=you&kind=sale&day=2026-02-30&after=x&set=1&page=2')), '')
})

test('the changes are asked for with the ID of the manager', (t: TestContext) => {
  const query = toQuery(parsePlace('manager=me&kind=bulk&day=2026-11-26'), id)
  t.assert.deepStrictEqual([query.manager, query.kind, query.limit], [id, 'bulk', 25])
  t.assert.strictEqual(query.since, new Date(2026, 10, 26).toISOString())
})
