import { randomUUID } from 'node:crypto'
import { test, type TestContext } from 'node:test'

import { pino } from 'pino'

import { copyOut } from '../../src/database/copy.ts'
import { inTransaction, runSql } from '../../src/database/database.ts'
import { withLongTransaction } from '../../src/database/long-transaction.ts'
import { upgrade } from '../../src/database/migrate.ts'
import { openStandby } from '../faults/standby.ts'
import { onServer, openAppOn, openSchema, testConfig } from '../support/app.ts'
import { tea } from '../support/fixtures.ts'
import { openPgBouncer, withoutPgBouncer } from '../support/pgbouncer.ts'
import { leftovers, preparedStatements } from '../support/pooled-sessions.ts'
import { openOwnPostgres } from '../support/postgres.ts'
import { until } from '../support/until.ts'

const silent = pino({ level: 'silent' })

for (const [mode, tables] of [
  ['session', 'a schema'],
  ['session', 'public'],
  ['transaction', 'a schema'],
  ['transaction', 'public'],
] as const) {
  test(`serves through PgBouncer in ${mode} mode, in ${tables}`, { skip: withoutPgBouncer }, async (t: TestContext) => {
    const isPublic = tables === 'public'
    const { server, schema } = isPublic ? { ...(await openOwnPostgres(t)), schema: tables } : await openSchema(t)
    // In session mode every connection of the two processes needs one of the pooler.
    const pooler = await openPgBouncer(t, server, mode, mode === 'session' ? 40 : 10)
    // Otherwise it is detected, when some statements have been prepared already.
    const prepared = isPublic ? 'false' : 'auto'
    const config = testConfig(schema, { REDIS_HOST: '', POSTGRES_PREPARED: prepared })
    const first = await openAppOn(t, pooler.server, config)
    const second = await openAppOn(t, pooler.server, config)
    await until(async () => (await first.send({ url: '/readyz?stores' })).body === 'ready')
    const ada = await first.signIn('ada@example.com')
    const send = (app: typeof first, method: 'GET' | 'POST' | 'PATCH' | 'DELETE', url: string, payload?: unknown) =>
      app.send({
        method,
        url,
        headers: {
          authorization: `Bearer ${ada.token}`,
          ...(typeof payload === 'string' && { 'content-type': 'text/csv' }),
        },
        ...(payload !== undefined && { payload: payload as object }),
      })
    const work = async (app: typeof first) => {
      const { id } = (await send(app, 'POST', '/items', tea)).json()
      const lastChange = async (of: string) => (await send(app, 'GET', `/items/${of}/changes`)).json()[0].change.id
      const bulk = (of: string) =>
        send(app, 'POST', '/items/bulk', { select: { ids: [of] }, change: { set: { in_stock: false } } })
      const csv = `id,name,category,price_usd,in_stock\n${id},Soap,Pet,1,true\n,Tea,Grocery,2,false\n`
      return [
        await send(app, 'GET', `/items/${id}`),
        await send(app, 'PATCH', `/items/${id}`, { price_usd: 3 }),
        await send(app, 'POST', '/items/import?mode=upsert', csv),
        await send(app, 'GET', '/items'),
        await send(app, 'GET', '/items?sort=-price_usd&limit=2&q=tea&count=exact'),
        await send(app, 'GET', '/items/summary'),
        await send(app, 'GET', '/items/export?format=csv'),
        await app.send({
          method: 'POST',
          url: '/items',
          payload: tea,
          headers: { authorization: `Bearer ${ada.token}`, 'idempotency-key': randomUUID() },
        }),
        await bulk(id),
        await send(app, 'POST', `/changes/${await lastChange(id)}/undo?dry_run=true`),
        await send(app, 'POST', `/changes/${await lastChange(id)}/undo`),
        await send(app, 'GET', `/changes/${await lastChange(id)}/items`),
        await send(app, 'GET', `/items/${id}/changes`),
        await send(app, 'GET', '/changes?limit=2'),
        await send(app, 'GET', '/changes/feed?since=beginning&limit=5'),
        await send(app, 'GET', '/changes/feed?since=now&wait=1'),
        await send(app, 'DELETE', `/items/${id}`),
      ].map(({ statusCode }) => statusCode)
    }
    // So many at the same time that the pooler moves the statements of each between its sessions.
    const paths = await Promise.all(
      Array.from({ length: 40 }, async () => String((await ada.post('/items', tea)).headers.location)),
    )
    const changes = await Promise.all(
      paths.map((path, n) => send(n % 2 ? first : second, 'PATCH', path, { price_usd: n })),
    )
    t.assert.deepStrictEqual(new Set(changes.map(({ statusCode }) => statusCode)), new Set([200]))
    for (const statuses of await Promise.all([work(first), work(second)]))
      t.assert.deepStrictEqual(statuses, [...Array(7).fill(200), 201, ...Array(8).fill(200), 204])
    t.assert.strictEqual((await send(second, 'GET', '/store-managers/logout')).statusCode, 200)
    t.assert.strictEqual((await send(first, 'GET', '/items')).statusCode, 401)
    t.assert.deepStrictEqual(await leftovers(pooler.server), [])
    if (prepared === 'false') t.assert.deepStrictEqual(await preparedStatements(pooler.server), [])
  })
}

test(
  'migrates four at a time through PgBouncer in transaction mode',
  { skip: withoutPgBouncer },
  async (t: TestContext) => {
    const { server, schema } = await openSchema(t, 'empty')
    // As many as there are processes, so that one that needed a second connection while it holds the lock would wait forever.
    const pooler = await openPgBouncer(t, server, 'transaction', 4)
    const applied = await Promise.all(Array.from({ length: 4 }, () => upgrade(pooler.server, schema, silent)))
    const { rows } = await onServer(server, `select name from ${schema}.mikro_orm_migrations order by id`)
    t.assert.deepStrictEqual(
      applied.flat().toSorted(),
      rows.map(({ name }) => name),
    )
    t.assert.ok(rows.length > 0)
    t.assert.deepStrictEqual(await leftovers(pooler.server), [])
  },
)

test('accepts no token of a pooler that has moved to a standby', { skip: withoutPgBouncer }, async (t: TestContext) => {
  const primary = await openOwnPostgres(t)
  const standby = await openStandby(t, primary, {})
  const pooler = await openPgBouncer(t, primary.server, 'transaction')
  const settings = { REDIS_HOST: '', POSTGRES_POOL_SIZE: '20' }
  const { signIn, logIn, context } = await openAppOn(t, pooler.server, testConfig('public', settings))
  const ada = await signIn('ada@example.com')
  const bob = await signIn('bob@example.com')
  const { id } = (await ada.post('/items', tea)).json()
  // A new connection to a standby is refused anyway; these are older.
  await Promise.all(Array.from({ length: 20 }, () => runSql(context.db, 'select pg_sleep(0.1)', [])))
  await standby.lag()
  t.assert.strictEqual((await ada.get('/store-managers/logout')).statusCode, 200)
  await onServer(primary.server, 'update store_managers set disabled_at = now() where id = $1', [bob.id])
  await pooler.moveTo(standby.server)
  await until(async () => (await onServer(pooler.server, 'select pg_is_in_recovery() as is')).rows[0].is)
  const urls = [`/items/${id}`, '/items', '/items?limit=1', '/items/summary', '/items/export', '/store-managers/me']
  for (const url of urls) t.assert.strictEqual((await ada.get(url)).statusCode, 503, url)
  t.assert.strictEqual((await logIn('bob@example.com')).statusCode, 503)
  const { pool, db } = context
  const signal = new AbortController().signal
  const reads: (() => Promise<unknown>)[] = [
    () => runSql(db, 'select 1', []),
    () => pool.queryOnce('select 1', []),
    () => inTransaction(db, (transaction) => runSql(transaction, 'select 1', [])),
    () => withLongTransaction(pool, signal, (session) => session.query('select 1')),
    () => copyOut(pool, 'copy (select 1) to stdout'),
  ]
  for (const read of reads) await t.assert.rejects(read, { code: 'store_unavailable' }, String(read))
  t.assert.strictEqual((await ada.post('/items', tea)).statusCode, 503)
  await pooler.moveTo(primary.server)
  await until(async () => !(await onServer(pooler.server, 'select pg_is_in_recovery() as is')).rows[0].is)
  for (const url of urls) t.assert.strictEqual((await ada.get(url)).statusCode, 401, url)
  t.assert.strictEqual((await logIn('bob@example.com')).statusCode, 401)
})
