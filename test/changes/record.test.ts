import { test, type TestContext } from 'node:test'

import { Kysely, PostgresDialect, sql } from 'kysely'
import { pino } from 'pino'

import { continuePositions } from '../../src/changes/positions.ts'
import { openDatabase } from '../../src/database/database.ts'
import type { Tables } from '../../src/database/entities.ts'
import { ConnectionPool } from '../../src/database/pool.ts'
import { transfer } from '../../src/operator/transfer.ts'
import { onServer, openApp, openSchema } from '../support/app.ts'
import { closeAfter } from '../support/cleanup.ts'
import { password } from '../support/fixtures.ts'
import { findDisagreements, readHistory } from '../support/history.ts'
import { migratedSchema } from '../support/migrated-schema.ts'

const tea = { name: 'Green tea', category: 'Grocery', price_usd: 4.49, in_stock: true }
const csv = { 'content-type': 'text/csv' }

test('each write records its set and entry, with the exact values', async (t: TestContext) => {
  const app = await openApp(t)
  const ada = await app.signIn('ada@example.com')
  const price = 1234567.1234567
  const { id } = (await ada.post('/items', tea, { 'x-request-id': 'first' })).json()
  await ada.patch(`/items/${id}`, { price_usd: price, name: 'Tea' })
  await ada.delete(`/items/${id}`)
  const set = { source: 'api', manager: ada.id, name: 'Ada Lovelace', requestId: undefined }
  const history = await readHistory(app)
  t.assert.strictEqual(history[0]?.requestId, 'first')
  t.assert.deepStrictEqual(
    history.map((each) => Object.assign(each, { requestId: undefined })),
    [
      {
        ...set,
        kind: 'create',
        counts: [1, 0, 0],
        entries: [
          {
            item: id,
            kind: 'create',
            version: 1,
            name: 'Green tea',
            category_to: 'Grocery',
            price_to: '4.49',
            stock_to: true,
            owner_to: ada.id,
          },
        ],
      },
      {
        ...set,
        kind: 'update',
        counts: [0, 1, 0],
        entries: [
          {
            item: id,
            kind: 'update',
            version: 2,
            name: 'Tea',
            name_from: 'Green tea',
            price_from: '4.49',
            price_to: '1234567.1234567',
          },
        ],
      },
      {
        ...set,
        kind: 'delete',
        counts: [0, 0, 1],
        entries: [
          {
            item: id,
            kind: 'delete',
            version: 3,
            name: 'Tea',
            category_from: 'Grocery',
            price_from: '1234567.1234567',
            stock_from: true,
            owner_from: ada.id,
          },
        ],
      },
    ],
  )
})

test('a write that changes nothing or fails records nothing', async (t: TestContext) => {
  const app = await openApp(t)
  const ada = await app.signIn('ada@example.com')
  const eve = await app.signIn('eve@example.com')
  const key = { 'idempotency-key': 'once' }
  const { id } = (await ada.post('/items', tea, key)).json()
  t.assert.strictEqual((await ada.post('/items', tea, key)).headers['idempotency-replayed'], 'true')
  const same = await ada.patch(`/items/${id}`, { ...tea, price_usd: 4.49 })
  t.assert.deepStrictEqual([same.statusCode, same.headers.etag], [200, '"1"'])
  t.assert.strictEqual((await ada.patch(`/items/${id}`, {})).statusCode, 200)
  t.assert.strictEqual((await eve.patch(`/items/${id}`, { in_stock: false })).statusCode, 403)
  t.assert.strictEqual((await ada.patch(`/items/${id}`, { in_stock: false }, { 'if-match': '"7"' })).statusCode, 412)
  const rows = `id,name,category,price_usd,in_stock\n${id},Green tea,Grocery,4.49,true\n`
  t.assert.strictEqual((await ada.post('/items/import?mode=upsert', rows, csv)).json().unchanged, 1)
  t.assert.strictEqual((await ada.post('/items/import?dry_run=true', rows.replace(id, ''), csv)).json().created, 1)
  t.assert.strictEqual((await ada.post('/items/import', rows, csv)).statusCode, 422)
  t.assert.deepStrictEqual(
    (await readHistory(app)).map(({ kind }) => kind),
    ['create'],
  )
})

test('an import is one set with an entry for each item that it changed', async (t: TestContext) => {
  const app = await openApp(t)
  const ada = await app.signIn('ada@example.com')
  const { id } = (await ada.post('/items', tea)).json()
  const same = (await ada.post('/items', { ...tea, name: 'Black tea' })).json().id
  const rows = ['id,name,category,price_usd,in_stock', `${id},Green tea,Pet,5,true`, ',Cup,Pet,3,false']
  rows.push(`${same},Black tea,Grocery,4.49,true`)
  const report = await ada.post('/items/import?mode=upsert', rows.join('\n'), csv)
  t.assert.deepStrictEqual([report.json().created, report.json().updated, report.json().unchanged], [1, 1, 1])
  const set = (await readHistory(app)).at(-1)
  t.assert.deepStrictEqual([set?.kind, set?.counts, set?.manager], ['import', [1, 1, 0], ada.id])
  t.assert.deepStrictEqual(set?.entries[0], {
    item: id,
    kind: 'update',
    version: 2,
    name: 'Green tea',
    category_from: 'Grocery',
    category_to: 'Pet',
    price_from: '4.49',
    price_to: '5',
  })
  t.assert.strictEqual(set?.entries[1]?.['kind'], 'create')
  t.assert.deepStrictEqual(await findDisagreements(app), [])
})

test('history and items agree after writes and imports that race', async (t: TestContext) => {
  const app = await openApp(t, { ITEM_WRITES: 'shared' })
  const ada = await app.signIn('ada@example.com')
  const created = await Promise.all(
    Array.from({ length: 40 }, (_, n) => ada.post('/items', { ...tea, name: `Tea ${n}` })),
  )
  const ids: string[] = created.map((response) => response.json().id)
  const lines = (price: number) => ids.slice(0, 30).map((id, n) => `${id},Tea ${n},Grocery,${price},true\n`)
  const file = (price: number) => `id,name,category,price_usd,in_stock\n${lines(price).join('')}`
  const work: Promise<unknown>[] = []
  for (let round = 1; round <= 4; round++) {
    work.push(ada.post('/items/import?mode=upsert', file(round), csv))
    for (const [n, id] of ids.entries()) {
      work.push(ada.patch(`/items/${id}`, { price_usd: round * 100 + n }))
      work.push(ada.patch(`/items/${id}`, { name: `Tea ${n} of ${round}` }))
    }
  }
  for (const id of ids.slice(30)) work.push(ada.delete(`/items/${id}`))
  await Promise.all(work)
  t.assert.ok((await readHistory(app)).length > 50)
  t.assert.deepStrictEqual(await findDisagreements(app), [])
})

test('sets keep the name of a manager who was deleted', async (t: TestContext) => {
  const app = await openApp(t)
  const ada = await app.signIn('ada@example.com')
  const { id } = (await ada.post('/items', tea)).json()
  await ada.delete(`/items/${id}`)
  t.assert.strictEqual((await ada.delete('/store-managers/me', { current_password: password })).statusCode, 204)
  t.assert.deepStrictEqual(
    (await readHistory(app)).map(({ kind, manager, name }) => [kind, manager, name]),
    ['create', 'delete'].map((kind) => [kind, ada.id, 'Ada Lovelace']),
  )
})

test('a transfer of an operator is one set of all items that it moved', async (t: TestContext) => {
  const app = await openApp(t)
  const ada = await app.signIn('ada@example.com')
  const eve = await app.signIn('eve@example.com')
  const { id } = (await ada.post('/items', tea)).json()
  const progress = { add() {}, restart() {} }
  const { engine } = app.context.pool
  const how = { engine, from: ada.id, to: eve.id, signal: new AbortController().signal, progress }
  t.assert.strictEqual(await transfer(app.context.db, how), 1)
  t.assert.strictEqual(await transfer(app.context.db, how), 0)
  const [, set, ...others] = await readHistory(app)
  t.assert.deepStrictEqual(others, [])
  t.assert.deepStrictEqual(set, {
    kind: 'transfer',
    source: 'operator',
    manager: null,
    name: null,
    requestId: null,
    counts: [0, 1, 0],
    entries: [{ item: id, kind: 'update', version: 2, name: 'Green tea', owner_from: ada.id, owner_to: eve.id }],
  })
  t.assert.deepStrictEqual(await findDisagreements(app), [])
})

test('positions rise after a restore to a cluster with lower transaction IDs', async (t: TestContext) => {
  const app = await openApp(t)
  const ada = await app.signIn('ada@example.com')
  const { id } = (await ada.post('/items', tea)).json()
  const { db } = app.context
  const restored = 10 ** 15
  await sql`update item_changes set position = ${restored}`.execute(db)
  await sql`update items set position = ${restored}`.execute(db)
  await continuePositions(db)
  await ada.patch(`/items/${id}`, { price_usd: 5 })
  const { rows } = await sql<{ position: string }>`select position from item_changes order by version`.execute(db)
  t.assert.ok(Number(rows[1]?.position) > restored)
  await continuePositions(db)
  const feed = await sql<{ position_offset: string }>`select position_offset from change_feed`.execute(db)
  t.assert.ok(Number(feed.rows[0]?.position_offset) <= restored)
})

test('positions do not continue if PostgreSQL fails to identify itself', async (t: TestContext) => {
  const query = async ({ text = '' }) => {
    if (text.includes('pg_control_system')) throw new Error('down')
    return { command: 'UPDATE', rowCount: 0, rows: [] }
  }
  const client = { query: (text: string) => query({ text }), release() {} }
  const pool = { connect: async () => client as never, end: async () => {}, options: {} }
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  await t.assert.rejects(continuePositions(db), /down/)
})

test('cursors stay valid if the role may not identify the cluster', async (t: TestContext) => {
  const { server } = await openSchema(t, 'empty')
  const own = { ...server, database: `unidentified_${process.pid}`, user: `reader_${process.pid}` }
  await onServer(server, `create database ${own.database}`)
  await onServer(server, `create role ${own.user} login`)
  closeAfter(t, async () => {
    await onServer(server, `drop database ${own.database} with (force)`)
    await onServer(server, `drop role ${own.user}`)
  })
  const administration = { ...own, user: server.user }
  await onServer(administration, migratedSchema())
  await onServer(
    administration,
    `update change_feed set system_identifier = '1'; revoke execute on function pg_control_system() from public;
    grant select, update on all tables in schema public to ${own.user}`,
  )
  const pool = new ConnectionPool(
    own,
    { schema: 'public', size: 1, overflow: 0, echo: false },
    pino({ level: 'silent' }),
  )
  closeAfter(t, () => pool.end())
  const feed = () => onServer(administration, 'select feed_id, system_identifier from change_feed')
  const { rows } = await feed()
  await continuePositions(openDatabase(pool))
  t.assert.deepStrictEqual((await feed()).rows, rows)
})

test('an item that is imported again after its deletion keeps counting', async (t: TestContext) => {
  const app = await openApp(t)
  const ada = await app.signIn('ada@example.com')
  const { id } = (await ada.post('/items', tea)).json()
  for (const mode of ['create', 'upsert']) {
    t.assert.strictEqual((await ada.delete(`/items/${id}`)).statusCode, 204)
    const file = `id,name,category,price_usd,in_stock\n${id},Tea,Grocery,1,true\n`
    t.assert.strictEqual((await ada.post(`/items/import?mode=${mode}`, file, csv)).statusCode, 200)
  }
  t.assert.strictEqual((await ada.get(`/items/${id}`)).headers.etag, '"5"')
  const { rows } = await sql<{ position: string }>`
    select position from item_changes where item_id = ${id} order by version`.execute(app.context.db)
  const positions = rows.map(({ position }) => Number(position))
  t.assert.deepStrictEqual(
    positions.toSorted((one, other) => one - other),
    positions,
  )
})

test('changes of an item are recorded in the order of their positions', async (t: TestContext) => {
  const app = await openApp(t)
  const ada = await app.signIn('ada@example.com')
  const { id } = (await ada.post('/items', tea)).json()
  // As if a transaction that began later had changed it before.
  const later = 10 ** 12
  await sql`update items set position = ${later}`.execute(app.context.db)
  await ada.patch(`/items/${id}`, { price_usd: 5 })
  const file = `id,name,category,price_usd,in_stock\n${id},Tea,Grocery,1,true\n`
  await ada.post('/items/import?mode=upsert', file, csv)
  await ada.delete(`/items/${id}`)
  const { rows } = await sql<{ position: string }>`
    select position from item_changes where version > 1 order by version`.execute(app.context.db)
  t.assert.deepStrictEqual(
    rows.map(({ position }) => Number(position)),
    [later, later, later],
  )
})
