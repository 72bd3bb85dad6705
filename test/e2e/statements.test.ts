import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { sql } from 'kysely'
import { pino } from 'pino'

import { sessionSettings } from '../../src/database/limits.ts'
import { ValidatingPool } from '../../src/database/validating-pool.ts'
import { onServer, openApp, openAppOn, openSchema, type TestApp, testConfig } from '../support/app.ts'
import { openPooler } from '../support/pooler.ts'
import { openOwnPostgres } from '../support/postgres.ts'
import { schemaClient } from '../support/schema-client.ts'
import { delay } from '../support/timers.ts'
import { eventually, until } from '../support/until.ts'

const soap = { name: 'Soap', category: 'Household', price_usd: 2.5, in_stock: true }
const pool = { POSTGRES_POOL_SIZE: '3', POSTGRES_MAX_OVERFLOW: '5' }

test('requests that hang on a lock hold no more backends than the pool has', async (t: TestContext) => {
  const app = await openApp(t, pool)
  const ada = await app.signIn('ada@example.com')
  const { id } = (await ada.post('/items', soap)).json()
  const unlock = await lockItems(t, app)
  const end = performance.now() + 11_000
  // But imports, which may wait for the merge of another one for minutes.
  const requests = [
    () => ada.get(`/items/${id}`),
    () => ada.get('/items'),
    () => ada.get('/items?sort=name&q=soap&count=exact'),
    () => ada.get('/items/summary'),
    () => ada.get('/items/export'),
    () => ada.post('/items', soap),
    () => ada.post('/items', soap, { 'idempotency-key': crypto.randomUUID() }),
    () => ada.patch(`/items/${id}`, { price_usd: 3 }),
  ]
  const seen = new Set<number>()
  let most = 0
  const send = async (index: number) => {
    while (performance.now() < end) {
      const kind = index++ % requests.length
      const request = requests[kind] as (typeof requests)[number]
      // A stream whose status was sent before it failed is cut off, which the test client tells as an error.
      const status = await request().then(
        ({ statusCode }) => statusCode,
        () => 503,
      )
      await sleep(100)
      seen.add(status)
    }
  }
  const clients = Array.from({ length: 90 }, (_, index) => send(index))
  while (performance.now() < end) {
    most = Math.max(most, await waiting(app))
    await sleep(200)
  }
  await Promise.all(clients)
  await unlock()
  t.assert.deepStrictEqual([...seen], [503])
  t.assert.ok(most > 0)
  t.assert.ok(most <= 8, `${most} backends waited for the lock`)
  t.assert.strictEqual((await ada.get(`/items/${id}`)).statusCode, 200)
})

test('the pool ends although a connection is never released', async (t: TestContext) => {
  const { server, schema } = await openSchema(t)
  const connections = new ValidatingPool(server, sessionSettings(schema, 'auto'), { max: 1 }, pino({ level: 'silent' }))
  const { release } = await connections.take()
  const ended = await Promise.race([connections.end().then(() => true), sleep(30_000, false, { ref: false })])
  release(false)
  t.assert.ok(ended)
})

test('a connection that is verified too late for its request stays in the pool', async (t: TestContext) => {
  const { server, schema } = await openSchema(t)
  // The verification asks it, and waits while the lock is held.
  await onServer(
    server,
    `create function ${schema}.pg_is_in_recovery() returns boolean
       begin atomic; select false from pg_advisory_xact_lock(hashtext('${schema}')); end`,
  )
  const options = { options: `-c search_path=${schema},pg_catalog`, max: 1, connectionTimeoutMillis: 500 }
  const connections = new ValidatingPool(server, sessionSettings(schema, 'auto'), options, pino({ level: 'silent' }))
  const first = await connections.take()
  const rejection = t.assert.rejects(connections.take())
  const holder = schemaClient(server, 'public')
  await holder.connect()
  t.after(() => holder.end())
  await holder.query(`select pg_advisory_lock(hashtext('${schema}'))`)
  first.release(true)
  await rejection
  await holder.query(`select pg_advisory_unlock(hashtext('${schema}'))`)
  const lease = await eventually(
    () => connections.take().catch(() => undefined),
    (taken) => taken !== undefined,
  )
  lease?.release(false)
  await connections.end()
})

test('a verification that a limit of the database cancels is repeated', async (t: TestContext) => {
  const { server, schema } = await openSchema(t)
  // What is counted by a sequence is not rolled back.
  await onServer(
    server,
    `create sequence ${schema}.verifications;
    create function ${schema}.pg_is_in_recovery() returns boolean language plpgsql as $$ begin
      if nextval('${schema}.verifications') < 3 then raise exception 'canceled' using errcode = '57014'; end if;
      return false;
    end $$`,
  )
  const options = { options: `-c search_path=${schema},pg_catalog`, max: 1 }
  const connections = new ValidatingPool(server, sessionSettings(schema, 'auto'), options, pino({ level: 'silent' }))
  const { client, release } = await connections.take()
  t.assert.deepStrictEqual((await client.query('select last_value::int from verifications')).rows, [{ last_value: 3 }])
  release(false)
  await connections.end()
})

test('PostgreSQL ends a statement before its client gives up', async (t: TestContext) => {
  const { context } = await openApp(t, pool)
  const { db } = context
  const times = delay(t)
  const { rows } = await sql`select current_setting('statement_timeout') as limit`.execute(db)
  t.assert.deepStrictEqual(rows, [{ limit: '9s' }])
  times.length = 0
  await t.assert.rejects(sql`select pg_sleep(60)`.execute(db), { code: 'too_busy' })
  t.assert.ok(times.includes(10_000), `the client waits for ${times.join(', ')} ms`)
})

test('a statement timeout of its own applies to that statement alone', async (t: TestContext) => {
  const { context } = await openApp(t, { POSTGRES_POOL_SIZE: '1', POSTGRES_MAX_OVERFLOW: '1' })
  delay(t)
  const setting = `select current_setting('statement_timeout') as limit, $1::int + 1 as sum`
  const { rows } = await context.pool.queryOnce(setting, [1], 20_000)
  t.assert.deepStrictEqual(rows, [{ limit: '20s', sum: 2 }])
  await t.assert.rejects(context.pool.queryOnce('select pg_sleep(60)', [], 100), { code: 'too_busy' })
  t.assert.strictEqual(await context.pool.queryWithin(100, 'select pg_sleep(60)', []), undefined)
  const after = await context.pool.query(setting, [2])
  t.assert.deepStrictEqual(after.rows, [{ limit: '9s', sum: 3 }])
  await t.assert.rejects(context.pool.queryOnce('select 1 / $1::int', [0], 20_000), { code: '22012' })
})

test('a slow statement has no parallel workers', async (t: TestContext) => {
  const { server, schema } = await openSchema(t)
  const setting = `select current_setting('max_parallel_workers_per_gather')::int as workers`
  const usual = (await onServer(server, setting)).rows
  for (const where of [server, await openPooler(t, server)]) {
    const { pool: connections } = (await openAppOn(t, where, testConfig(schema, { ...pool, REDIS_HOST: '' }))).context
    t.assert.deepStrictEqual((await connections.queryOnce(setting, [])).rows, [{ workers: 0 }])
    t.assert.deepStrictEqual((await connections.queryOnce(setting, [], 60_000)).rows, [{ workers: 0 }])
    t.assert.deepStrictEqual((await connections.queryWithin(5_000, setting, []))?.rows, [{ workers: 0 }])
    t.assert.deepStrictEqual((await connections.query(setting, [])).rows, usual)
  }
})

test('releasing a connection as broken cancels its statement', async (t: TestContext) => {
  const { context, server } = await openApp(t, pool)
  const { client, release } = await context.pool.acquire()
  const { rows } = await client.query(
    `select pg_backend_pid() as pid, set_config('client_connection_check_interval', '0', false),
       set_config('statement_timeout', '0', false)`,
  )
  client.query('select pg_sleep(60)').catch(() => {})
  const isRunning = async () =>
    (await onServer(server, `select from pg_stat_activity where pid = $1 and state = 'active'`, [rows[0].pid]))
      .rowCount === 1
  await until(isRunning)
  release(true)
  await until(async () => !(await isRunning()))
})

test('PostgreSQL ends statements whose client is gone', async (t: TestContext) => {
  const { context, server } = await openApp(t, pool)
  const { client, release } = await context.pool.acquire()
  const { rows } = await client.query(`select pg_backend_pid() as pid, set_config('statement_timeout', '0', false)`)
  client.query('select pg_sleep(60)').catch(() => {})
  const { connection } = client as unknown as { connection: { stream: { destroy(): void } } }
  connection.stream.destroy()
  await until(
    async () => (await onServer(server, 'select from pg_stat_activity where pid = $1', [rows[0].pid])).rowCount === 0,
  )
  release(true)
})

test('a list whose client leaves while it waits for a lock is canceled', async (t: TestContext) => {
  const app = await openApp(t, pool)
  const ada = await app.signIn('ada@example.com')
  const url = await app.app.listen({ port: 0, host: '127.0.0.1' })
  const unlock = await lockItems(t, app)
  const leaving = new AbortController()
  const headers = { authorization: `Bearer ${ada.token}` }
  const list = fetch(`${url}/items/export`, { headers, signal: leaving.signal })
  list.catch(() => {})
  await until(async () => (await waiting(app)) === 1)
  leaving.abort()
  await until(async () => (await waiting(app)) === 0)
  // PostgreSQL gives up by itself, too.
  const warnings = app.log.filter((line) => JSON.parse(line).level >= 40)
  await unlock()
  t.assert.deepStrictEqual(warnings, [])
})

const defaults = {
  default_transaction_isolation: 'serializable',
  statement_timeout: '20',
  lock_timeout: '1',
  idle_in_transaction_session_timeout: '20',
}

for (const way of ['directly', 'behind a pooler']) {
  test(`defaults of the database cause no 500, ${way}`, async (t: TestContext) => {
    const { server } = await openOwnPostgres(t)
    for (const [name, value] of Object.entries(defaults)) {
      await onServer(server, `alter database ${server.database} set ${name} = '${value}'`)
    }
    delay(t)
    const target = way === 'directly' ? server : await openPooler(t, server)
    const app = await openAppOn(t, target, testConfig('public', { REDIS_HOST: '', LIMIT_CONCURRENCY: '2000' }))
    const ada = await app.signIn('ada@example.com')
    const { id } = (await ada.post('/items', soap)).json()
    const csv = `id,name,category,price_usd,in_stock\n${id},Soap,Pet,1,true\n`
    const answers = await Promise.all([
      ...Array.from({ length: 300 }, (_, n) => ada.patch(`/items/${id}`, { price_usd: n })),
      ...Array.from({ length: 10 }, () => ada.post('/items', soap, { 'idempotency-key': crypto.randomUUID() })),
      ada.post('/items/import?mode=upsert', csv, { 'content-type': 'text/csv' }),
      ada.post('/items/bulk', { select: { ids: [id] }, change: { price: { add: 1 } } }, { 'idempotency-key': 'bulk' }),
    ])
    const [latest] = (await ada.get('/changes?limit=1')).json()
    answers.push(await ada.post(`/changes/${latest.id}/undo`, undefined, { 'idempotency-key': 'undo' }))
    const queries = [
      '',
      '?sort=name&count=exact&q=soap',
      '/summary',
      '/export?sort=-price_usd',
      `/${id}`,
      `/${id}/changes`,
    ]
    const reads = [...queries.map((query) => `/items${query}`), '/changes', '/changes/feed?since=beginning']
    for (const read of reads) answers.push(await ada.get(read))
    const codes = Object.groupBy(answers, ({ statusCode }) => statusCode)
    t.diagnostic(JSON.stringify(Object.entries(codes).map(([code, some]) => [code, some?.length])))
    t.assert.deepStrictEqual(
      answers.filter(({ statusCode }) => statusCode >= 500 && statusCode !== 503),
      [],
    )
    const failed = codes[503] ?? []
    if (way === 'directly')
      t.assert.deepStrictEqual(
        failed.map(({ body }) => body),
        [],
      )
    t.assert.ok(failed.length < 100)
  })
}

test('a read-only database serves reads and refuses writes with 503', async (t: TestContext) => {
  const { server } = await openOwnPostgres(t)
  const app = await openAppOn(t, server, testConfig('public', { REDIS_HOST: '' }))
  const ada = await app.signIn('ada@example.com')
  const { id } = (await ada.post('/items', soap)).json()
  await onServer(server, `alter database ${server.database} set default_transaction_read_only = on`)
  const later = await openAppOn(t, server, testConfig('public', { REDIS_HOST: '' }))
  const send = (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', url: string, payload?: object) =>
    later.send({ method, url, headers: { authorization: `Bearer ${ada.token}` }, ...(payload && { payload }) })
  t.assert.strictEqual((await send('GET', `/items/${id}`)).statusCode, 200)
  t.assert.strictEqual((await send('GET', '/items')).statusCode, 200)
  t.assert.strictEqual((await send('POST', '/items', soap)).statusCode, 503)
  t.assert.strictEqual((await send('PATCH', `/items/${id}`, { price_usd: 1 })).statusCode, 503)
  t.assert.strictEqual((await send('DELETE', `/items/${id}`)).statusCode, 503)
  t.assert.strictEqual((await send('GET', '/store-managers/logout')).statusCode, 503)
})

test('behind a pooler statements have timeouts, sessions no settings', async (t: TestContext) => {
  const { server, schema } = await openSchema(t)
  const app = await openAppOn(t, await openPooler(t, server), testConfig(schema, { REDIS_HOST: '' }))
  const ada = await app.signIn('ada@example.com')
  await ada.post('/items', soap, { 'idempotency-key': 'one' })
  await ada.get('/items')
  await ada.get('/items?limit=1&count=exact')
  const names = [
    'statement_timeout',
    'lock_timeout',
    'default_transaction_isolation',
    'client_connection_check_interval',
  ]
  const settings = `select ${names.map((name) => `current_setting('${name}') as ${name}`).join(', ')}`
  const limited = await app.context.pool.query(settings, [])
  t.assert.deepStrictEqual([limited.rows[0].statement_timeout, limited.rows[0].lock_timeout], ['9s', '5s'])
  delay(t)
  await t.assert.rejects(app.context.pool.queryOnce('select pg_sleep(60)', [], 200), { code: 'too_busy' })
  const fresh = (await onServer(server, settings)).rows
  const loans = await Promise.all(Array.from({ length: 5 }, () => app.context.pool.acquire()))
  for (const { client, release } of loans) {
    t.assert.deepStrictEqual((await client.query(settings)).rows, fresh)
    release(false)
  }
})

/** Locks the table of items until the returned function is called, or the test ends. */
async function lockItems(t: TestContext, { server, context }: TestApp): Promise<() => Promise<void>> {
  const client = schemaClient(server, context.config.pool.schema)
  await client.connect()
  let isOpen = true
  const unlock = async () => {
    if (isOpen) await client.end()
    isOpen = false
  }
  t.after(unlock)
  await client.query('begin; lock table items in access exclusive mode')
  return unlock
}

/** How many backends wait for a lock of the table of items. */
async function waiting({ server, context }: TestApp): Promise<number> {
  const relation = `'${context.config.pool.schema}.items'::regclass`
  const { rows } = await onServer(
    server,
    `select count(distinct pid)::int as waiting from pg_locks where not granted and relation = ${relation}`,
  )
  return rows[0].waiting
}
