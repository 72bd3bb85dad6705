import { test, type TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'

import type { Manager } from './support/app.ts'
import { openShop } from './support/bulk-changes.ts'

const raise = { select: { filters: { category: ['Pet'] } }, change: { price: { add: 1 } } }
const csv = { 'content-type': 'text/csv' }
const rows = 'name,category,price_usd,in_stock\nTea,Grocery,1,true\n'
const dry = '?dry_run=true'

type Headers = Record<string, string>
type Send = (headers: Headers) => ReturnType<Manager['post']>

/** An item, the change set that raised its price to 2, and each kind of request that writes many items. */
async function openWrites(t: TestContext) {
  const app = await openShop(t)
  const { add, ada } = app
  const leash = await add({ price_usd: 1 })
  await ada.patch(`/items/${leash}`, { price_usd: 2 })
  const set = (await ada.get('/changes?limit=1')).json()[0].id
  const bulk = (body: object, query = ''): Send => {
    return (headers) => ada.post(`/items/bulk${query}`, body, headers)
  }
  const undo = (query: string): Send => {
    return (headers) => ada.post(`/changes/${set}/undo${query}`, undefined, headers)
  }
  const load = (body: string | Buffer, query = '', more: Headers = csv): Send => {
    return (headers) => ada.post(`/items/import${query}`, body, { ...more, ...headers })
  }
  const writes: [name: string, write: Send, others: Send[]][] = [
    ['undo', undo(''), [undo(dry), undo('?on_conflict=skip')]],
    [
      'bulk',
      bulk(raise),
      [bulk({ ...raise, change: { price: { add: 2 } } }), bulk(raise, dry), bulk({ ...raise, expect: { matched: 1 } })],
    ],
    ['import', load(rows), [load(rows.replace('1', '2')), load(rows, dry), load('{}\n', '?on_error=skip', ndjson)]],
  ]
  const state = async () => [(await ada.get('/items')).json(), (await ada.get('/changes')).json()]
  return { ...app, leash, writes, bulk, load, state }
}

const ndjson = { 'content-type': 'application/x-ndjson' }

test('writes of many items are replayed under their key', async (t: TestContext) => {
  const { writes, bob, state } = await openWrites(t)
  for (const [name, write, others] of writes) {
    const key = { 'idempotency-key': `"${name}"` }
    const first = await write(key)
    t.assert.deepStrictEqual([first.statusCode, first.headers['idempotency-replayed']], [200, undefined], first.body)
    const written = await state()
    const again = await write(key)
    t.assert.deepStrictEqual([again.statusCode, again.headers['idempotency-replayed']], [200, 'true'], again.body)
    t.assert.deepStrictEqual(again.json(), first.json())
    for (const other of others) {
      const refused = await other(key)
      t.assert.deepStrictEqual([refused.statusCode, refused.json().code], [422, 'idempotency_key_reused'], refused.body)
    }
    t.assert.deepStrictEqual(await state(), written, name)
    const theirs = await bob.post('/items/bulk', raise, key)
    t.assert.deepStrictEqual([theirs.statusCode, theirs.headers['idempotency-replayed']], [200, undefined])
  }
})

test('the members of a keyed request are in any order', async (t: TestContext) => {
  const { bulk, load } = await openWrites(t)
  const key = { 'idempotency-key': 'abc' }
  const first = await bulk(raise)(key)
  const { select, change } = raise
  t.assert.deepStrictEqual((await bulk({ change, select })(key)).json(), first.json())
  const created = await load(rows)(key)
  const compressed = await load(gzipSync(rows), '', { ...csv, 'content-encoding': 'gzip' })(key)
  t.assert.deepStrictEqual([compressed.statusCode, compressed.json()], [200, created.json()])
})

test('refused writes of many items do not store their key', async (t: TestContext) => {
  const { bulk, load, leash, ada } = await openWrites(t)
  const key = { 'idempotency-key': 'abc' }
  t.assert.strictEqual((await bulk({ ...raise, expect: { matched: 9 } })(key)).statusCode, 412)
  t.assert.strictEqual((await bulk(raise)(key)).statusCode, 200)
  t.assert.strictEqual((await ada.get(`/items/${leash}`)).json().price_usd, 3)
  t.assert.strictEqual((await load('name\n')(key)).statusCode, 422)
  t.assert.strictEqual((await load(rows)(key)).statusCode, 200)
})

test('of concurrent bulk changes with one key one is made', async (t: TestContext) => {
  const { bulk, leash, ada } = await openWrites(t)
  const answers = await Promise.all(Array.from({ length: 8 }, () => bulk(raise)({ 'idempotency-key': 'abc' })))
  for (const { statusCode, body } of answers) t.assert.ok([200, 409].includes(statusCode), body)
  t.assert.strictEqual((await ada.get(`/items/${leash}`)).json().price_usd, 3)
})

test('a malformed key of a write of many items is refused', async (t: TestContext) => {
  const { writes } = await openWrites(t)
  for (const [name, write] of writes) {
    const refused = await write({ 'idempotency-key': 'a b' })
    t.assert.deepStrictEqual(refused.json().errors?.[0].loc, ['header', 'idempotency-key'], name)
  }
})
