import { randomUUID } from 'node:crypto'
import { test, type TestContext } from 'node:test'

import { pino } from 'pino'

import { upgrade } from '../../src/database/migrate.ts'
import { openStandby } from '../faults/standby.ts'
import { onServer, openAppOn, openSchema, testConfig } from '../support/app.ts'
import { tea } from '../support/fixtures.ts'
import { openPgBouncer, withoutPgBouncer } from '../support/pgbouncer.ts'
import { openOwnPostgres } from '../support/postgres.ts'
import { until } from '../support/until.ts'

const silent = pino({ level: 'silent' })

for (const mode of ['session', 'transaction'] as const) {
  test(`serves through PgBouncer in ${mode} mode`, { skip: withoutPgBouncer }, async (t: TestContext) => {
    const { server, schema } = await openSchema(t)
    // In session mode every connection of the two processes needs one of the pooler.
    const pooler = await openPgBouncer(t, server, mode, mode === 'session' ? 40 : 10)
    const config = testConfig(schema, { REDIS_HOST: '' })
    const first = await openAppOn(t, pooler.server, config)
    const second = await openAppOn(t, pooler.server, config)
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
        await send(app, 'DELETE', `/items/${id}`),
      ].map(({ statusCode }) => statusCode)
    }
    // Enough at once that the pooler moves the statements of each between its sessions.
    const paths = await Promise.all(
      Array.from({ length: 40 }, async () => String((await ada.post('/items', tea)).headers.location)),
    )
    const changes = await Promise.all(
      paths.map((path, n) => send(n % 2 ? first : second, 'PATCH', path, { price_usd: n })),
    )
    t.assert.deepStrictEqual(new Set(changes.map(({ statusCode }) => statusCode)), new Set([200]))
    for (const statuses of await Promise.all([work(first), work(second)]))
      t.assert.deepStrictEqual(statuses, [200, 200, 200, 200, 200, 200, 200, 201, 204])
    t.assert.strictEqual((await send(second, 'GET', '/store-managers/logout')).statusCode, 200)
    t.assert.strictEqual((await send(first, 'GET', '/items')).statusCode, 401)
    await assertNothingLeftBehind(t, pooler.server)
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
    await assertNothingLeftBehind(t, pooler.server)
  },
)

test('accepts no token of a pooler that has moved to a standby', { skip: withoutPgBouncer }, async (t: TestContext) => {
  const primary = await openOwnPostgres(t)
  const standby = await openStandby(t, primary, {})
  const pooler = await openPgBouncer(t, primary.server, 'transaction')
  const { signIn } = await openAppOn(t, pooler.server, testConfig('public', { REDIS_HOST: '' }))
  const ada = await signIn('ada@example.com')
  const { id } = (await ada.post('/items', tea)).json()
  await standby.lag()
  t.assert.strictEqual((await ada.get('/store-managers/logout')).statusCode, 200)
  await pooler.moveTo(standby.server)
  await until(async () => (await onServer(pooler.server, 'select pg_is_in_recovery() as is')).rows[0].is)
  const urls = [`/items/${id}`, '/items', '/items?limit=1', '/items/summary', '/items/export', '/store-managers/me']
  for (const url of urls) t.assert.strictEqual((await ada.get(url)).statusCode, 503, url)
  t.assert.strictEqual((await ada.post('/items', tea)).statusCode, 503)
  await pooler.moveTo(primary.server)
  await until(async () => !(await onServer(pooler.server, 'select pg_is_in_recovery() as is')).rows[0].is)
  for (const url of urls) t.assert.strictEqual((await ada.get(url)).statusCode, 401, url)
})

/** That no session of the pooler holds a lock, or a setting of ours. */
async function assertNothingLeftBehind(t: TestContext, server: Parameters<typeof onServer>[0]): Promise<void> {
  const query = `
    select current_setting('statement_timeout') as statement, current_setting('lock_timeout') as lock,
      current_setting('search_path') as path, current_setting('default_transaction_isolation') as isolation,
      (select count(*)::integer from pg_locks where locktype = 'advisory' and database = (select oid from pg_database
        where datname = current_database())) as locks, pg_sleep(0.05)`
  const sessions = await Promise.all(Array.from({ length: 10 }, () => onServer(server, query)))
  for (const { rows } of sessions) {
    const { statement, lock, path, isolation, locks } = rows[0]
    t.assert.deepStrictEqual(
      [statement, lock, path, isolation, locks],
      ['0', '0', '"$user", public', 'read committed', 0],
    )
  }
}
