import { randomUUID } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { SignJWT } from 'jose'

import { staleAfterMs } from '../../src/auth/token-check.ts'
import type { Server } from '../../src/database/server.ts'
import { openAppOn, openSchema, secret, testConfig, type TestApp, withoutRedis } from '../support/app.ts'
import { seriesOf } from '../support/metrics.ts'
import { openOwnPostgres } from '../support/postgres.ts'
import { temporaryFolder } from '../support/service.ts'
import { openLoad, type Seen } from '../support/steady-load.ts'
import { fillRedis, openProxy, redisCli, startRedis } from '../support/stores.ts'
import { until } from '../support/until.ts'

// Under a steady load on two processes' worth of the service, the stores are really lost, stopped and replaced.

const skip = withoutRedis

test('no logout is forgotten when Redis is flushed', { skip }, async (t: TestContext) => {
  const { load, port } = await openService(t)
  for (const logOuts of [false, true]) {
    const seen = await load.during(() => redisCli(port, 'FLUSHALL'), logOuts)
    expectRight(t, seen)
  }
})

test('no logout is forgotten when Redis is killed and comes back empty', { skip }, async (t: TestContext) => {
  const { load, redis, port } = await openService(t)
  const seen = await load.during(async () => {
    await redis.stop()
    await sleep(300)
    await startRedisFor(t, port)
  })
  expectRight(t, seen)
})

test('no logout is forgotten when Redis comes back with older data', { skip }, async (t: TestContext) => {
  const folder = ['--dir', await temporaryFolder(t)]
  const { load, apps, redis, port } = await openService(t, folder)
  await redisCli(port, 'SAVE')
  for (const app of apps) await load.logOut(app)
  const seen = await load.during(async () => {
    await redis.stop()
    await startRedisFor(t, port, folder)
    await sleep(1_000)
  }, false)
  expectRight(t, seen)
})

test('no logout is forgotten while Redis hangs, which costs one timeout', { skip }, async (t: TestContext) => {
  let questions = 0
  const hear = (said: string) => (questions += said.split('MGET').length - 1)
  const { load, apps, redis } = await openService(t, [], {}, { hear })
  const token = await load.logOut(apps[0])
  const seen = await load.during(async () => {
    process.kill(redis.pid, 'SIGSTOP')
    await until(() => apps.every(({ log }) => log.some((line) => line.includes('Redis is not responding'))))
    questions = 0
    for (let request = 0; request < 10; request++) await load.statusAt(apps[0], token)
    t.assert.strictEqual(questions, 0)
    process.kill(redis.pid, 'SIGCONT')
  })
  expectRight(t, seen)
})

test('no logout is forgotten while Redis refuses connections', { skip }, async (t: TestContext) => {
  const { load, proxy, redis } = await openService(t)
  const seen = await load.during(async () => {
    proxy.target = undefined
    proxy.cut()
    await sleep(300)
    proxy.target = redis.port
  })
  expectRight(t, seen)
})

test('no logout is forgotten when only one process cannot reach Redis', { skip }, async (t: TestContext) => {
  const { load, apps, server, proxy, redis } = await openService(t)
  const { config } = apps[0].context
  const near = await openAppOn(t, server, { ...config, redis: { ...redisOf(config), port: redis.port } })
  const both = await openLoad([near, apps[0]])
  const seen = await both.during(async () => {
    proxy.target = undefined
    proxy.cut()
    await sleep(300)
    proxy.target = redis.port
  })
  expectRight(t, seen)
  t.assert.strictEqual(await load.statusAt(near, await load.logOut(apps[1])), 401)
})

test('no logout is forgotten when a lagging Redis replica is promoted', { skip }, async (t: TestContext) => {
  const { load, apps, proxy, redis } = await openService(t, ['--repl-diskless-sync-delay', '0'])
  const link = await openProxy(redis.port)
  t.after(() => link.close())
  const replica = await startRedisFor(t, undefined, ['--replicaof', `127.0.0.1 ${link.port}`])
  await until(async () => /master_link_status:up/.test(String(await redisCli(replica.port, 'INFO'))))
  await until(async () => (await redisCli(replica.port, 'DBSIZE')) === (await redisCli(redis.port, 'DBSIZE')))
  link.stall()
  const unseen = await Promise.all(Array.from({ length: 5 }, () => load.logOut(apps[0])))
  const seen = await load.during(async () => {
    await redis.stop()
    await redisCli(replica.port, 'REPLICAOF', 'NO', 'ONE')
    proxy.target = replica.port
    for (const token of unseen) t.assert.strictEqual(await load.statusAt(apps[1], token), 401)
    await sleep(1_200)
  }, false)
  expectRight(t, seen)
})

test('no logout is forgotten on a Redis that evicts keys', { skip }, async (t: TestContext) => {
  const { load, port } = await openService(t, ['--maxmemory', '3mb', '--maxmemory-policy', 'allkeys-random'])
  const seen = await load.during(() => fillRedis(port))
  expectRight(t, seen)
})

test('no logout is forgotten across outages of PostgreSQL', { skip }, async (t: TestContext) => {
  const { server, restart, killBackend } = await openOwnPostgres(t)
  const services = await Promise.all([
    openService(t, [], { REDIS_HOST: '' }, { own: server }),
    ...(withoutRedis ? [] : [openService(t, [], {}, { own: server })]),
  ])
  for (const fault of [restart, killBackend, () => restart(700)]) {
    const happening = fault()
    const seen = await Promise.all(services.map(({ load }) => load.during(() => happening)))
    for (const { wrong } of seen) t.assert.deepStrictEqual(wrong, [])
    for (const { load, apps } of services) for (const app of apps) await load.logOut(app)
  }
})

test('a token that Redis alone knows to be logged out is refused', { skip }, async (t: TestContext) => {
  const { apps, port } = await openService(t)
  const ada = await apps[0].signIn('ada@example.com')
  t.assert.strictEqual((await ada.get('/items')).statusCode, 200)
  const { jti } = JSON.parse(Buffer.from(ada.token.split('.')[1] ?? '', 'base64url').toString())
  await redisCli(port, 'SET', jti, '{"status": "blacklisted"}')
  t.assert.strictEqual((await ada.get('/items')).json().detail, 'The token has been revoked.')
  const series = await seriesOf(apps[0].context.metrics)
  const checks = (source: string) => `stockroom_token_checks_total{result="logged_out",source="${source}"}`
  t.assert.deepStrictEqual([series.get(checks('copy')), series.get(checks('record'))], [1, 0])
})

test('reads of an item ask Redis about a token once a second', { skip }, async (t: TestContext) => {
  let questions = 0
  const { apps, port } = await openService(t, [], {}, { hear: (said) => (questions += said.split('MGET').length - 1) })
  const ada = await apps[0].signIn('ada@example.com')
  const item = { name: 'Green tea', category: 'Grocery', price_usd: 4.99, in_stock: true }
  const { id } = (await ada.post('/items', item)).json()
  await sleep(staleAfterMs)
  const begun = performance.now()
  questions = 0
  for (let read = 0; read < 5; read++) await ada.get(`/items/${id}`)
  t.assert.ok(questions === 1 || performance.now() - begun > staleAfterMs)
  const { jti } = JSON.parse(Buffer.from(ada.token.split('.')[1] ?? '', 'base64url').toString())
  await redisCli(port, 'SET', jti, '{"status": "blacklisted"}')
  await until(async () => (await ada.get(`/items/${id}`)).statusCode === 401)
})

test('a token of the original is looked up in Redis by every request', { skip }, async (t: TestContext) => {
  const { apps, port } = await openService(t)
  const ada = await apps[0].signIn('ada@example.com')
  const item = { name: 'Green tea', category: 'Grocery', price_usd: 4.99, in_stock: true }
  const { id } = (await ada.post('/items', item)).json()
  const requests = [
    { url: `/items/${id}` },
    { url: '/items' },
    { method: 'POST', url: '/items', payload: item },
  ] as const
  for (const request of requests) {
    const jti = randomUUID()
    const token = await new SignJWT({ sub: ada.id, jti })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setExpirationTime('1h')
      .sign(new TextEncoder().encode(secret))
    const send = () => apps[0].send({ ...request, headers: { authorization: `Bearer ${token}` } })
    t.assert.ok((await send()).statusCode < 300)
    await redisCli(port, 'SET', jti, '{"status": "blacklisted"}')
    t.assert.strictEqual((await send()).json().detail, 'The token has been revoked.', request.url)
  }
})

/** Two apps on one schema and on one Redis behind a proxy, with a load for them. */
async function openService(
  t: TestContext,
  settings: string[] = [],
  env: Record<string, string> = {},
  { own, hear }: { own?: Server; hear?: (said: string) => void } = {},
) {
  const { server, schema } = own ? { server: own, schema: 'public' } : await openSchema(t)
  const redis = await startRedisFor(t, undefined, settings)
  const proxy = await openProxy(redis.port, hear)
  t.after(() => proxy.close())
  const config = testConfig(schema, {
    REDIS_HOST: '127.0.0.1',
    REDIS_PORT: String(proxy.port),
    LOGIN_LIMIT_PER_ADDRESS: '0',
    ...env,
  })
  const apps = [await openAppOn(t, server, config), await openAppOn(t, server, config)] as const
  const load = await openLoad([...apps])
  return { server, redis, proxy, port: redis.port, apps, load }
}

async function startRedisFor(t: TestContext, port?: number, settings?: string[]) {
  const redis = await startRedis(port, settings)
  t.after(() => redis.stop())
  return redis
}

function redisOf({ redis }: TestApp['context']['config']) {
  if (!redis) throw new Error('there is no Redis')
  return redis
}

/** While PostgreSQL is available, every request gets the right response. */
function expectRight(t: TestContext, { wrong, unavailable }: Seen): void {
  t.assert.deepStrictEqual(wrong, [])
  t.assert.strictEqual(unavailable, 0)
}
