import { randomUUID } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { sql } from 'kysely'

import { openApp, type TestApp } from './support/app.ts'
import { ada, password, tea } from './support/fixtures.ts'
import { schemaClient } from './support/schema-client.ts'
import { eventually } from './support/until.ts'

const registration = { ...ada, password }

test('the same key and body replay the first response', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const manager = await signIn(ada.email)
  const send = (key: string, body: object = tea) => manager.post('/items', body, { 'idempotency-key': key })
  const first = await send('"a key: \\"1\\""')
  t.assert.strictEqual(first.statusCode, 201)
  t.assert.strictEqual(first.headers['idempotency-replayed'], undefined)
  const { location, etag } = first.headers
  await manager.patch(String(location), { price_usd: 5.49 })
  for (const change of ['none', 'delete'] as const) {
    if (change === 'delete') await manager.delete(String(location))
    const again = await send('"a key: \\"1\\""', Object.fromEntries(Object.entries(tea).toReversed()))
    t.assert.strictEqual(again.statusCode, 201)
    t.assert.deepStrictEqual(again.json(), first.json())
    t.assert.deepStrictEqual([again.headers.location, again.headers.etag], [location, etag])
    t.assert.strictEqual(again.headers['idempotency-replayed'], 'true')
  }
  t.assert.deepStrictEqual((await manager.get('/items')).json(), {})
  const bare = await send('abc')
  t.assert.deepStrictEqual((await send('"abc"')).json(), bare.json(), 'the quotes are not part of the key')
  t.assert.notStrictEqual((await send('abd')).json().id, bare.json().id)
})

test('a key is refused with another body, and belongs to its manager', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const first = await signIn(ada.email)
  const second = await signIn('grace@example.com')
  const headers = { 'idempotency-key': randomUUID() }
  const item = (await first.post('/items', tea, headers)).json()
  const refused = await first.post('/items', { ...tea, price_usd: 5 }, headers)
  t.assert.strictEqual(refused.statusCode, 422)
  t.assert.strictEqual(refused.json().code, 'idempotency_key_reused')
  const theirs = await second.post('/items', tea, headers)
  t.assert.strictEqual(theirs.statusCode, 201)
  t.assert.strictEqual(theirs.json().store_manager_id, second.id)
  t.assert.deepStrictEqual(Object.keys((await first.get('/items')).json()), [item.id, theirs.json().id])
})

test('a malformed Idempotency-Key is refused by name', async (t: TestContext) => {
  const { send } = await openApp(t)
  for (const key of ['', '""', 'a b', '"a', 'a, b', '"a", "b"', 'é', 'a'.repeat(256), `"${'a'.repeat(256)}"`]) {
    const headers = { 'idempotency-key': key }
    const refused = await send({ method: 'POST', url: '/store-managers', payload: registration, headers })
    t.assert.strictEqual(refused.statusCode, 422, key)
    t.assert.deepStrictEqual(refused.json().errors[0].loc, ['header', 'idempotency-key'])
  }
})

test('a repeated registration is replayed without another hash', async (t: TestContext) => {
  const { send, context } = await openApp(t)
  const key = randomUUID()
  const { hash } = context.passwords
  let hashes = 0
  context.passwords.hash = (plain) => {
    hashes++
    return hash(plain)
  }
  const register = (body: object) =>
    send({ method: 'POST', url: '/store-managers', payload: body, headers: { 'idempotency-key': key } })
  const first = await register(registration)
  const again = await register(registration)
  t.assert.deepStrictEqual([first.statusCode, again.statusCode, hashes], [201, 201, 1])
  t.assert.strictEqual(again.headers['idempotency-replayed'], 'true')
  t.assert.deepStrictEqual(again.json(), first.json())
  for (const change of [{ password: `${password}!` }, { email: 'grace@example.com' }]) {
    const refused = await register({ ...registration, ...change })
    t.assert.strictEqual(refused.json().code, 'idempotency_key_reused')
    t.assert.ok(!refused.body.includes(first.json().id))
  }
  t.assert.strictEqual(hashes, 3, 'to try passwords here takes as long as to register')
  const kept = JSON.stringify(await context.db.selectFrom('idempotency_keys').selectAll().execute())
  t.assert.ok(!kept.includes(password) && !kept.includes(key))
})

test('failed requests do not store their key', async (t: TestContext) => {
  const { send, register, context } = await openApp(t)
  await register('grace@example.com')
  const headers = { 'idempotency-key': randomUUID() }
  const statuses: number[] = []
  for (const change of [{ name: '' }, { email: 'grace@example.com' }, {}]) {
    const payload = { ...registration, ...change }
    statuses.push((await send({ method: 'POST', url: '/store-managers', payload, headers })).statusCode)
  }
  t.assert.deepStrictEqual(statuses, [422, 409, 201])
  const { length } = await context.db.selectFrom('idempotency_keys').select('key_hash').execute()
  t.assert.strictEqual(length, 1)
})

test('a key and its result are written in one transaction', async (t: TestContext) => {
  const app = await openApp(t)
  const manager = await app.signIn(ada.email)
  const { client, schema } = await openClient(t, app)
  // Its commit fails, after all its statements have succeeded.
  await client.query(
    `create function ${schema}.fail() returns trigger language plpgsql as 'begin raise exception $$no$$; end'`,
  )
  await client.query(`
    create constraint trigger fails after insert on ${schema}.idempotency_keys deferrable initially deferred
      for each row execute function ${schema}.fail()`)
  const answer = await manager.post('/items', tea, { 'idempotency-key': 'abc' })
  t.assert.strictEqual(answer.statusCode, 500)
  t.assert.deepStrictEqual((await manager.get('/items')).json(), {})
})

test('a key in use is refused, and is free if its connection dies', async (t: TestContext) => {
  const app = await openApp(t)
  const manager = await app.signIn(ada.email)
  const { client, schema } = await openClient(t, app)
  const send = () => manager.post('/items', tea, { 'idempotency-key': 'abc' })

  // What is left locked would never be cleaned up, should the test fail.
  await client.query(`set idle_in_transaction_session_timeout = '60s'`)
  await client.query('begin')
  await client.query(`lock table ${schema}.items in share mode`)
  const first = send()
  const waiting = `select pid from pg_locks where relation = '${schema}.items'::regclass and not granted`
  const [{ pid }] = await eventually(
    async () => (await client.query(waiting)).rows,
    (rows) => rows.length > 0,
  )
  const second = await send()
  t.assert.strictEqual(second.statusCode, 409)
  t.assert.strictEqual(second.json().code, 'idempotency_key_in_use')
  t.assert.strictEqual(second.headers['retry-after'], '1')
  await client.query('select pg_terminate_backend($1::integer)', [pid])
  t.assert.strictEqual((await first).statusCode, 503)
  await client.query('rollback')

  const retried = await send()
  t.assert.strictEqual(retried.statusCode, 201)
  t.assert.strictEqual(retried.headers['idempotency-replayed'], undefined)
  t.assert.deepStrictEqual(Object.keys((await manager.get('/items')).json()), [retried.json().id])
})

test('of many concurrent requests with one key one creates an item', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const manager = await signIn(ada.email)
  const send = () => manager.post('/items', tea, { 'idempotency-key': 'abc' })
  const answers = await Promise.all(Array.from({ length: 40 }, send))
  const [id = '', ...others] = Object.keys((await manager.get('/items')).json())
  t.assert.deepStrictEqual(others, [])
  for (const answer of answers) {
    if (answer.statusCode === 201) t.assert.strictEqual(answer.json().id, id)
    else t.assert.strictEqual(answer.json().code, 'idempotency_key_in_use')
  }
  const made = answers.filter(({ statusCode, headers }) => statusCode === 201 && !headers['idempotency-replayed'])
  t.assert.strictEqual(made.length, 1)
})

test('retries with keys create each item once if connections die', async (t: TestContext) => {
  const app = await openApp(t)
  const manager = await app.signIn(ada.email)
  const { client, schema } = await openClient(t, app)
  // Citus locks these tables also while it distributes those of another test, which is a "do" block.
  const kill = `
    select pg_terminate_backend(pid) from
      (select distinct pid from pg_locks join pg_class on pg_class.oid = relation join pg_stat_activity using (pid)
        where relnamespace = '${schema}'::regnamespace and pid <> pg_backend_pid() and query not like '%do $$%') writing`
  const made = new Set<string>()
  let sent = 0
  let killed = 0
  for (let round = 0; round < 100 && killed < 10; round++) {
    const keys = Array.from({ length: 20 }, () => randomUUID())
    const send = (key: string) => manager.post('/items', tea, { 'idempotency-key': key })
    const unanswered = new Set(keys)
    const first = Promise.all(keys.map((key) => send(key).finally(() => unanswered.delete(key))))
    await sleep(Math.random() * 30)
    const before = killed
    while (killed === before && unanswered.size > 0) killed += (await client.query(kill)).rows.length
    await first
    const retried = keys.map((key) =>
      eventually(
        () => send(key),
        ({ statusCode }) => statusCode === 201,
      ),
    )
    for (const answer of await Promise.all(retried)) made.add(answer.json().id)
    sent += keys.length
  }
  t.diagnostic(`${killed} connections were killed`)
  t.assert.ok(killed >= 10)
  t.assert.strictEqual(made.size, sent)
  t.assert.deepStrictEqual(new Set(Object.keys((await manager.get('/items')).json())), made)
})

test('a key is kept for 24 hours, then swept within an hour', async (t: TestContext) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const { signIn, context } = await openApp(t, { REDIS_HOST: '' })
  const manager = await signIn(ada.email)
  for (const key of ['older', 'newer']) await manager.post('/items', tea, { 'idempotency-key': key })
  const { db } = context
  const stored = () => db.selectFrom('idempotency_keys').select('key_hash').orderBy('created_at').execute()
  const [older, newer] = await stored()
  const age = (keyHash: string | undefined, hours: number) =>
    db
      .updateTable('idempotency_keys')
      .set({ created_at: new Date(Date.now() - hours * 3_600_000) })
      .where('key_hash', '=', String(keyHash))
      .execute()
  await age(older?.key_hash, 24.1)
  await age(newer?.key_hash, 23.9)
  // More than one statement deletes.
  const many = sql`insert into idempotency_keys (key_hash, fingerprint, answer, created_at, store_manager_id)
    select number, '', '{}', now() - interval '25 hours', id from store_managers, generate_series(1, 10001) as number`
  await many.execute(db)
  t.mock.timers.tick(3_600_000)
  t.assert.deepStrictEqual(await eventually(stored, (rows) => rows.length < 2), [newer])
})

/** A client of the PostgreSQL that `app` uses, and the schema of its tables. */
async function openClient(t: TestContext, { server, context }: TestApp) {
  const client = schemaClient(server, 'public')
  client.on('error', () => {})
  await client.connect()
  t.after(() => client.end())
  return { client, schema: context.config.pool.schema }
}
