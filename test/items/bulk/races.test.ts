import { test, type TestContext } from 'node:test'

import { sql } from 'kysely'

import type { Database } from '../../../src/database/database.ts'
import { listen } from '../../support/app.ts'
import { openShop, pets, type Shop } from '../../support/bulk-changes.ts'
import { findDisagreements, readHistory } from '../../support/history.ts'
import { waitersOf } from '../../support/lock-waits.ts'
import { until } from '../../support/until.ts'

interface Holder {
  transaction: Database
  /** Waits until this many sessions wait for the transaction. */
  isAwaited(sessions?: number): Promise<void>
}

/** Runs `work` in a transaction that others wait for, and commits it. */
async function whileHolding({ context: { db } }: Shop, work: (holder: Holder) => Promise<unknown>): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(transaction)
    const waiting = sql<{ pid: number }>`${sql.raw(waitersOf(String(rows[0]?.pid)))}`
    const isAwaited = (sessions = 1) => until(async () => (await waiting.execute(db)).rows.length === sessions)
    await work({ transaction, isAwaited })
  })
}

const setPrice = (transaction: Database, id: string, price: number) =>
  sql`update items set price_usd = ${price}::numeric where id = ${id}::uuid`.execute(transaction)

test('a bulk change applies to what another write has committed', async (t: TestContext) => {
  const app = await openShop(t)
  const { add, bulk, prices } = app
  const ids = [await add(), await add()]
  let changing: ReturnType<typeof bulk> | undefined
  await whileHolding(app, async ({ transaction, isAwaited }) => {
    await setPrice(transaction, ids[0] ?? '', 20)
    changing = bulk(pets, { price: { percent: 10 } })
    await isAwaited()
  })
  const result = await changing
  t.assert.deepStrictEqual(result?.changes[0]?.fields, { price_usd: [20, 22] })
  t.assert.deepStrictEqual(await prices(ids), [22, 11])
})

test('an item that stops matching during a bulk change is left alone', async (t: TestContext) => {
  const app = await openShop(t)
  const { add, bulk, prices, ada } = app
  const moved = await add()
  const removed = await add()
  const kept = await add()
  for (const select of [pets, { filters: { min_price: 5 } }]) {
    let changing: ReturnType<typeof bulk> | undefined
    await whileHolding(app, async ({ transaction, isAwaited }) => {
      await sql`update items set category = 'Grocery', price_usd = 4 where id = ${moved}::uuid`.execute(transaction)
      await sql`delete from items where id = ${removed}::uuid`.execute(transaction)
      changing = bulk(select, { price: { add: 1 } })
      await isAwaited()
    })
    const result = await changing
    t.assert.deepStrictEqual([result?.matched, result?.changed], [1, 1])
    t.assert.strictEqual((await ada.get(`/items/${moved}`)).json().price_usd, 4)
    await sql`update items set category = 'Pet', price_usd = 10 where id = ${moved}::uuid`.execute(app.context.db)
  }
  t.assert.deepStrictEqual(await prices([kept]), [12])
})

test('a bulk change that a deadlock ends is tried again', async (t: TestContext) => {
  const app = await openShop(t)
  const { add, bulk, prices } = app
  const ids = [await add(), await add()]
  const [first = '', second = ''] = ids.toSorted()
  let changing: ReturnType<typeof bulk> | undefined
  await whileHolding(app, async ({ transaction, isAwaited }) => {
    await setPrice(transaction, second, 20)
    changing = bulk({ ids }, { price: { add: 1 } })
    await isAwaited()
    await setPrice(transaction, first, 30)
  })
  t.assert.strictEqual((await changing)?.changed, 2)
  t.assert.deepStrictEqual(await prices([first, second]), [31, 21])
})

test('a bulk change whose token ends meanwhile writes nothing', async (t: TestContext) => {
  const app = await openShop(t)
  const { add, bulk, bob, ada } = app
  const id = await add()
  const before = await readHistory(app)
  let changing: ReturnType<typeof bulk> | undefined
  await whileHolding(app, async ({ transaction, isAwaited }) => {
    await sql`select from items where id = ${id}::uuid for update`.execute(transaction)
    changing = bulk(pets, 'delete')
    await isAwaited()
    await ada.post('/store-managers/logout')
  })
  const result = await changing
  t.assert.deepStrictEqual([result?.status, result?.code], [401, 'invalid_token'])
  t.assert.strictEqual((await bob.get(`/items/${id}`)).statusCode, 200)
  t.assert.deepStrictEqual(await readHistory(app), before)
})

test('a bulk change ends when its client disconnects', async (t: TestContext) => {
  const app = await openShop(t)
  const { add, ada, prices } = app
  const id = await add()
  const port = await listen(app.app)
  const headers = { authorization: `Bearer ${ada.token}`, 'content-type': 'application/json' }
  const body = JSON.stringify({ select: pets, change: { price: { add: 1 } } })
  await whileHolding(app, async ({ transaction, isAwaited }) => {
    await sql`select from items where id = ${id}::uuid for update`.execute(transaction)
    const disconnect = new AbortController()
    const request = { method: 'POST', headers, body, signal: disconnect.signal }
    const refused = t.assert.rejects(fetch(`http://127.0.0.1:${port}/items/bulk`, request), { name: 'AbortError' })
    await isAwaited()
    disconnect.abort()
    await refused
    await isAwaited(0)
  })
  t.assert.deepStrictEqual(await prices([id]), [10])
})

test('a manager has one bulk change at a time, and others have theirs', async (t: TestContext) => {
  const app = await openShop(t)
  const { add, bulk, bob, prices } = app
  const id = await add()
  await add({ category: 'Grocery' }, bob)
  const running: ReturnType<typeof bulk>[] = []
  await whileHolding(app, async ({ transaction, isAwaited }) => {
    await sql`select from items where id = ${id}::uuid for update`.execute(transaction)
    running.push(bulk(pets, { price: { add: 1 } }), bulk(pets, { price: { add: 1 } }))
    await isAwaited()
    const others = await bulk({ filters: { category: ['Grocery'] } }, { price: { add: 1 } }, { who: bob })
    t.assert.strictEqual(others.changed, 1)
    await isAwaited()
  })
  t.assert.deepStrictEqual(
    (await Promise.all(running)).map(({ changed }) => changed),
    [1, 1],
  )
  t.assert.deepStrictEqual(await prices([id]), [12])
})

test('history and items agree after bulk changes that race with writes', async (t: TestContext) => {
  const app = await openShop(t, { ITEM_WRITES: 'shared' })
  const { add, bulk, ada, bob, prices } = app
  const ids = await Promise.all(Array.from({ length: 30 }, () => add({ price_usd: 0 })))
  const counted = ids.slice(0, 10)
  const work: Promise<unknown>[] = []
  for (let round = 0; round < 4; round++) {
    work.push(bulk(pets, { price: { add: 1 } }), bulk({ ids: ids.toReversed() }, { price: { add: 1 } }, { who: bob }))
    for (const id of ids.slice(10, 20)) work.push(ada.patch(`/items/${id}`, { price_usd: 100 * round }))
    for (const id of counted) work.push(ada.patch(`/items/${id}`, { name: `Leash ${round}` }))
  }
  for (const id of ids.slice(20, 25)) work.push(ada.delete(`/items/${id}`))
  work.push(bulk({ ids: ids.slice(25) }, 'delete'))
  await Promise.all(work)
  t.assert.deepStrictEqual(new Set(await prices(counted)), new Set([8]))
  t.assert.deepStrictEqual(Object.keys((await ada.get('/items')).json()), ids.slice(0, 20).toSorted())
  t.assert.deepStrictEqual(await findDisagreements(app), [])
})

test('bulk changes keep the order of positions of each item', async (t: TestContext) => {
  const { add, bulk, context } = await openShop(t)
  await add()
  // As if a transaction that began later had changed it before.
  const later = 10 ** 12
  await sql`update items set position = ${later}`.execute(context.db)
  await bulk(pets, { price: { add: 1 } })
  await bulk(pets, 'delete')
  const { rows } = await sql<{ position: string; is_part: boolean }>`
    select position, is_part from item_changes where version > 1 order by version`.execute(context.db)
  t.assert.deepStrictEqual(
    rows.map(({ position, is_part: isPart }) => [Number(position), isPart]),
    [
      [later, true],
      [later, true],
    ],
  )
})
