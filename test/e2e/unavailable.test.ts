import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { type PostgresPoolClient, sql } from 'kysely'
import { Client } from 'pg'
import { pino } from 'pino'

import { waitForServer } from '../../src/database/connect.ts'
import type { Server } from '../../src/database/server.ts'
import { onServer, openApp, openAppOn, type TestApp, testConfig, withoutRedis } from '../support/app.ts'
import { cookieIn, sameOrigin, signInToConsole } from '../support/console.ts'
import { openOwnPostgres } from '../support/postgres.ts'
import { freePort, openProxy, startRedis } from '../support/stores.ts'
import { eventually, until } from '../support/until.ts'

const silent = pino({ level: 'silent' })

test('no request fails when PostgreSQL restarts under an idle pool', async (t: TestContext) => {
  const { ada, restart } = await openOnOwnServer(t)
  await Promise.all(Array.from({ length: 10 }, () => ada.get('/items')))
  await restart()
  const answers = await Promise.all(Array.from({ length: 20 }, () => ada.get('/items')))
  for (const answer of answers) t.assert.strictEqual(answer.statusCode, 200)
})

test('requests get 503 while PostgreSQL is down, and recover with it', async (t: TestContext) => {
  const { ada, start, stop, app } = await openOnOwnServer(t)
  await stop()
  const attempts = [
    await ada.get('/items'),
    await ada.post('/items', {}),
    await app.register('grace@example.com'),
    await app.logIn('ada@example.com'),
  ]
  for (const refused of attempts) {
    t.assert.strictEqual(refused.statusCode, 503)
    t.assert.strictEqual(refused.json().code, 'store_unavailable')
    t.assert.strictEqual(refused.headers['retry-after'], '1')
  }
  const warnings = app.log.filter((line) => line.includes('PostgreSQL is unavailable; requests'))
  t.assert.strictEqual(warnings.length, 1, 'once in ten seconds, not once a request')
  await start()
  t.assert.strictEqual((await ada.get('/items')).statusCode, 200)
})

test('a sign-out that fails while PostgreSQL is down can be repeated', async (t: TestContext) => {
  const { app, start, stop } = await openOnOwnServer(t)
  const url = '/console/session'
  const { cookie } = cookieIn(await signInToConsole(app.send, 'ada@example.com'))
  const headers = { ...sameOrigin, cookie }
  await stop()
  for (const method of ['GET', 'DELETE'] as const) {
    const refused = await app.send({ method, url, headers })
    t.assert.deepStrictEqual([refused.statusCode, refused.json().code], [503, 'store_unavailable'])
    t.assert.strictEqual(refused.headers['set-cookie'], undefined)
  }
  await start()
  t.assert.strictEqual((await app.send({ url, headers })).json().manager.email, 'ada@example.com')
  t.assert.strictEqual((await app.send({ method: 'DELETE', url, headers })).statusCode, 204)
  t.assert.strictEqual((await app.send({ url, headers })).json().manager, null)
})

test('unresponsive idle connections are detected before use', async (t: TestContext) => {
  const { server, ada: direct } = await openOnOwnServer(t)
  t.assert.strictEqual((await direct.get('/items')).statusCode, 200)
  const proxy = await openProxy(`${server.host}/.s.PGSQL.${server.port}`)
  t.after(() => proxy.close())
  const { signIn } = await openAppOn(
    t,
    { ...server, host: '127.0.0.1', port: proxy.port },
    testConfig('public', { REDIS_HOST: '' }),
  )
  const ada = await signIn('ada@example.com')
  await Promise.all(Array.from({ length: 4 }, () => ada.get('/items')))
  proxy.stall()
  await sleep(1100)
  const queries = t.mock.method(Client.prototype, 'query')
  t.assert.strictEqual((await ada.get('/items')).statusCode, 200)
  const pings = queries.mock.calls.filter(({ arguments: [query] }) => (query as { text?: string }).text === 'select 1')
  t.assert.strictEqual(pings.length, 1, 'a silent one was waited for, and not each of them')
})

test('a connection lost during a query fails that query alone', async (t: TestContext) => {
  const { server, app, stop, start, ada } = await openOnOwnServer(t)
  const { db } = app.context
  const others = `from pg_stat_activity where query like '%pg_sleep%' and pid <> pg_backend_pid()`
  const terminate = () => onServer(server, `select pg_terminate_backend(pid) ${others}`)
  const kill = async () => {
    const { rows } = await onServer(server, `select pid ${others}`)
    // PostgreSQL itself ends the others then, for they may have seen what this one left.
    process.kill(rows[0].pid, 'SIGKILL')
  }
  for (const end of [terminate, kill, stop]) {
    await until(async () => (await ada.get('/items')).statusCode === 200)
    const queries = Promise.allSettled([1, 2, 3].map((n) => sql`select ${n}::int, pg_sleep(20)`.execute(db)))
    await until(async () => (await onServer(server, `select ${others} and state = 'active'`)).rowCount === 3)
    await end()
    for (const { status } of await queries) t.assert.strictEqual(status, 'rejected')
  }
  await start()
  t.assert.strictEqual((await ada.get('/items')).statusCode, 200)
})

test('a service keeps its requests while PostgreSQL is down', async (t: TestContext) => {
  const { app, start, stop } = await openOnOwnServer(t)
  const answers = () =>
    Promise.all(['/readyz?stores', '/readyz', '/healthz'].map(async (url) => (await app.send({ url })).body))
  const become = async (word: string) => {
    const others = (await eventually(answers, ([said]) => said === word)).slice(1)
    t.assert.deepStrictEqual(others, ['ready', 'ok'])
  }
  await become('ready')
  await stop()
  await become('unavailable')
  await sleep(1_050)
  t.assert.deepStrictEqual(await answers(), ['unavailable', 'ready', 'ok'])
  t.assert.strictEqual(app.log.filter((line) => line.includes('"not ready"')).length, 1)
  await start()
  await become('ready')
})

test('the pool opens at most its size; other queries wait', async (t: TestContext) => {
  const { context } = await openApp(t, { POSTGRES_POOL_SIZE: '2', POSTGRES_MAX_OVERFLOW: '3' })
  const taken = await Promise.all(Array.from({ length: 5 }, () => context.pool.connect()))
  const waiting = sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(context.db)
  const pids: number[] = []
  for (const client of taken) pids.push(await pidOf(client))
  t.assert.strictEqual(new Set(pids).size, 5)
  for (const client of taken) client.release()
  t.assert.ok(pids.includes((await waiting).rows[0]?.pid ?? 0))
})

test('tokens and logouts work while Redis is down or unresponsive', { skip: withoutRedis }, async (t: TestContext) => {
  const redis = await startRedis()
  t.after(() => redis.stop())
  let commands = 0
  const proxy = await openProxy(redis.port, (said) => (commands += said.split(/(?:MGET|SET)\r/).length - 1))
  t.after(() => proxy.close())
  const { signIn } = await openApp(t, { REDIS_HOST: '127.0.0.1', REDIS_PORT: String(proxy.port) })
  await expectService(t, signIn)
  process.kill(redis.pid, 'SIGSTOP')
  commands = 0
  await expectService(t, signIn)
  t.assert.strictEqual(commands, 1, 'an unresponsive Redis is waited for once')
  process.kill(redis.pid, 'SIGCONT')
  await expectService(t, signIn)
  await redis.stop()
  await expectService(t, signIn)
  const again = await startRedis(redis.port)
  t.after(() => again.stop())
  await expectService(t, signIn)
})

test('a service starts and serves without its Redis', async (t: TestContext) => {
  const { signIn } = await openApp(t, { REDIS_HOST: '127.0.0.1', REDIS_PORT: String(await freePort()) })
  await expectService(t, signIn)
})

test('a start waits for a PostgreSQL that is coming up and logs it', async (t: TestContext) => {
  const { server, start, stop } = await openOnOwnServer(t)
  await stop()
  const log: string[] = []
  const logger = pino({}, { write: (line: string) => void log.push(line) })
  const waiting = waitForServer(server, 60_000, logger, new AbortController().signal)
  await until(() => log.some((line) => line.includes('waiting for PostgreSQL')))
  await start()
  await waiting
})

test('a start stops waiting at its timeout, a final error, or SIGTERM', async (t: TestContext) => {
  const noServer = { host: '127.0.0.1', port: await freePort(), user: 'postgres', database: 'postgres' }
  const { signal } = new AbortController()
  await t.assert.rejects(
    waitForServer(noServer, 50, silent, signal),
    /was not available within 0\.05 s: connect ECONNREFUSED/,
  )
  const { postgres } = testConfig('public')
  const elsewhere = { ...(postgres as Server), database: 'no_such_database' }
  await t.assert.rejects(
    waitForServer(elsewhere, 60_000, silent, signal),
    /refused the connection: database "no_such_database" does not exist/,
  )
  await t.assert.rejects(waitForServer(noServer, 60_000, silent, AbortSignal.timeout(50)), { name: 'AbortError' })
})

/** An application on a PostgreSQL of its own, which the test may stop and start, with a manager signed in. */
async function openOnOwnServer(t: TestContext) {
  const postgres = await openOwnPostgres(t)
  const settings = testConfig('public', { REDIS_HOST: '', LOGIN_LIMIT_PER_ADDRESS: '0' })
  const app = await openAppOn(t, postgres.server, settings)
  return { ...postgres, app, ada: await app.signIn('ada@example.com') }
}

async function pidOf(client: PostgresPoolClient): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid', [])
  return rows[0]?.pid ?? 0
}

async function expectService(t: TestContext, signIn: TestApp['signIn']): Promise<void> {
  const phone = await signIn('ada@example.com')
  const laptop = await signIn('ada@example.com')
  t.assert.strictEqual((await phone.get('/items')).statusCode, 200)
  t.assert.strictEqual((await phone.get('/store-managers/logout')).statusCode, 200)
  t.assert.strictEqual((await phone.get('/items')).statusCode, 401)
  t.assert.strictEqual((await laptop.get('/items')).statusCode, 200)
}
