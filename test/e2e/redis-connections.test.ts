import { test, type TestContext } from 'node:test'

import { createClient } from '@redis/client'
import { pino } from 'pino'

import { readConfig } from '../../src/config/config.ts'
import { openMetrics } from '../../src/observability/metrics/metrics.ts'
import { openRedis } from '../../src/redis/redis.ts'
import { openAppOn, openSchema, secret, type TestApp, testConfig, withoutRedis } from '../support/app.ts'
import { openAuthority, withoutOpenssl } from '../support/certificates.ts'
import { closeAfter } from '../support/cleanup.ts'
import { seriesOf } from '../support/metrics.ts'
import { openRedisWith, openSecuredRedis, password, tlsOf } from '../support/secured-redis.ts'
import { realStores, runMain } from '../support/service.ts'
import { openProxy, redisCliWith } from '../support/stores.ts'
import { until } from '../support/until.ts'

const skip = withoutRedis || withoutOpenssl
const silent = pino({ level: 'silent' })
const none = { REDIS_HOST: '', REDIS_PORT: '', REDIS_PASSWORD: '' }
const shop = `shop:${encodeURIComponent(password)}`

async function openAppWith(t: TestContext, env: Record<string, string>): Promise<TestApp> {
  const { server, schema } = await openSchema(t)
  return openAppOn(t, server, testConfig(schema, { ...none, ...env }))
}

/** Logs in twice and out once. @returns what is left of the limits, and the identifier of the revoked token */
async function useRedis({ signIn, logIn }: TestApp) {
  const ada = await signIn('ada@example.com')
  const { jti } = JSON.parse(Buffer.from(ada.token.split('.')[1] ?? '', 'base64url').toString())
  const { headers } = await logIn('ada@example.com', 'wrong')
  await ada.get('/store-managers/logout')
  return { limit: headers['ratelimit'], jti: jti as string }
}

test('Redis over TLS with an ACL user of narrow rights', { skip }, async (t: TestContext) => {
  const authority = await openAuthority(t)
  const { port } = await openSecuredRedis(t, authority)
  const env = { REDIS_URL: `rediss://${shop}@localhost:${port}/1`, REDIS_TLS_CA_FILE: authority.cert }
  const app = await openAppWith(t, env)
  const { jti } = await useRedis(app)
  const socket = { host: 'localhost', port, tls: true as const, ca: authority.pem }
  const client = await createClient({ username: 'shop', password, database: 1, socket }).connect()
  t.assert.ok((await client.mGet([jti]))[0])
  client.destroy()
  t.assert.ok(!app.log.some((line) => line.includes('Redis')), app.log.join(''))
})

test('a Redis that refuses the service ends its start', { skip }, async (t: TestContext) => {
  const authority = await openAuthority(t)
  const other = await openAuthority(t, 'other')
  const { port } = await openSecuredRedis(t, authority)
  const right = { REDIS_TLS_CA_FILE: authority.cert }
  const at = (credentials: string, host = 'localhost') => `rediss://${credentials}${host}:${port}`
  const refusals: [env: Record<string, string>, said: RegExp][] = [
    [{ REDIS_URL: at(`${shop}@`) }, /^TLS to Redis at localhost:\d+ failed: .*certificate.*\. Check REDIS_TLS_CA_FILE/],
    [{ REDIS_URL: at(`${shop}@`), REDIS_TLS_CA_FILE: other.cert }, /^TLS to Redis at .* failed: .*certificate/],
    [{ REDIS_URL: at(`${shop}@`, '127.0.0.1'), ...right }, /^TLS to Redis at .* failed: .*not in the cert's list/],
    [
      { REDIS_URL: at('shop:wrong@'), ...right },
      /^Redis at localhost:\d+ refused the connection: WRONGPASS .*\. Check/,
    ],
    [{ REDIS_URL: at(''), ...right }, /^Redis at localhost:\d+ refused the connection: NOAUTH .*\. Check REDIS_URL/],
    [{ REDIS_URL: `${at(`${shop}@`)}/99`, ...right }, /refused the connection: .*DB index is out of range\. Check/],
  ]
  for (const [env, said] of refusals) {
    const { redis } = readConfig(env)
    if (!redis) throw new Error('no Redis')
    await t.assert.rejects(openRedis(redis, silent), { name: 'StartupError', message: said })
  }
  const stores = await realStores(t)
  const env = { ...stores, JWT_SECRET: secret, LOG_LEVEL: 'warn', PORT: '0', REDIS_URL: at('shop:wrong@'), ...right }
  const { ended, output } = runMain(t, env)
  t.assert.strictEqual(await ended, 1)
  t.assert.match(output(), /^Redis at localhost:\d+ refused the connection: WRONGPASS [^\n]*\n$/)
})

/** A Redis, a replica of it, and a sentinel, each with a password. */
async function openSentinel(t: TestContext) {
  const secured = [`requirepass ${password}`, `masterauth ${password}`]
  const first = await openRedisWith(t, secured)
  const second = await openRedisWith(t, [...secured, `replicaof 127.0.0.1 ${first.port}`])
  const watch = [`sentinel monitor shop 127.0.0.1 ${first.port} 1`, `sentinel auth-pass shop ${password}`]
  const quick = ['sentinel down-after-milliseconds shop 1000', 'requirepass watchword']
  const sentinel = await openRedisWith(t, [...watch, ...quick], ['--sentinel'])
  // It learns of replicas from the primary, every ten seconds.
  const knowsReplica = { port: sentinel.port, password: 'watchword' }
  await until(async () => String(await redisCliWith(knowsReplica, 'INFO', 'sentinel')).includes('slaves=1'))
  const env = {
    REDIS_SENTINELS: `127.0.0.1:1,127.0.0.1:${sentinel.port}`,
    REDIS_SENTINEL_MASTER: 'shop',
    REDIS_SENTINEL_PASSWORD: 'watchword',
    REDIS_PASSWORD: password,
  }
  return { first, second, sentinel, env }
}

async function valueAt(port: number, key: string): Promise<unknown> {
  return redisCliWith({ port, password }, 'GET', key)
}

test('the service follows the sentinels to a new Redis', { skip: withoutRedis }, async (t: TestContext) => {
  const { first, second, env } = await openSentinel(t)
  const app = await openAppWith(t, env)
  const { jti } = await useRedis(app)
  t.assert.ok(await valueAt(first.port, jti))
  await until(() => valueAt(second.port, jti))
  const isUp = async () => (await seriesOf(app.context.metrics)).get('stockroom_redis_up')
  t.assert.strictEqual(await isUp(), 1)
  await first.kill()
  await until(async () => {
    await app.signIn('ada@example.com')
    return (await isUp()) === 0
  })
  await until(async () => {
    const ada = await app.signIn('ada@example.com')
    const { jti: id } = JSON.parse(Buffer.from(ada.token.split('.')[1] ?? '', 'base64url').toString())
    t.assert.strictEqual((await ada.get('/store-managers/logout')).statusCode, 200)
    t.assert.strictEqual((await ada.get('/items')).statusCode, 401)
    // A Redis that becomes the primary ends its connections.
    return valueAt(second.port, id).catch(() => undefined)
  })
  t.assert.strictEqual(await isUp(), 1)
})

test('Redis and its sentinels over TLS, found by their names', { skip }, async (t: TestContext) => {
  const authority = await openAuthority(t)
  const other = await openAuthority(t, 'other')
  const tls = [...tlsOf(authority), 'tls-replication yes']
  const { port } = await openRedisWith(t, [...tls, `requirepass ${password}`])
  const names = ['sentinel resolve-hostnames yes', 'sentinel announce-hostnames yes']
  const watch = [`sentinel monitor shop localhost ${port} 1`, `sentinel auth-pass shop ${password}`]
  const sentinel = await openRedisWith(t, [...tls, ...names, ...watch], ['--sentinel'])
  const env = {
    REDIS_SENTINELS: `localhost:${sentinel.port}`,
    REDIS_SENTINEL_MASTER: 'shop',
    REDIS_PASSWORD: password,
    REDIS_TLS: 'true',
    REDIS_TLS_CA_FILE: authority.cert,
  }
  const app = await openAppWith(t, env)
  const { jti } = await useRedis(app)
  const socket = { host: 'localhost', port, tls: true as const, ca: authority.pem }
  const client = await createClient({ password, socket }).connect()
  t.assert.ok(await client.get(jti))
  client.destroy()

  const refusals: [env: Record<string, string>, said: RegExp][] = [
    [{ REDIS_TLS_CA_FILE: other.cert }, /^TLS to Redis shop or its sentinels failed: .*certificate/],
    [{ REDIS_SENTINELS: `127.0.0.1:${sentinel.port}` }, /^TLS to Redis shop or its .* not in the cert's list/],
  ]
  for (const [more, said] of refusals) {
    const { redis } = readConfig({ ...env, ...more })
    if (!redis) throw new Error('no Redis')
    await t.assert.rejects(openRedis(redis, silent), { name: 'StartupError', message: said })
  }
})

test('sentinels that refuse the service end its start', { skip: withoutRedis }, async (t: TestContext) => {
  const { env } = await openSentinel(t)
  const refusals: [env: Record<string, string>, said: RegExp][] = [
    [{ REDIS_SENTINEL_PASSWORD: 'wrong' }, /^Redis shop or its sentinels refused the connection: .*WRONGPASS/],
    [{ REDIS_PASSWORD: 'wrong' }, /^Redis shop or its sentinels refused the connection: .*WRONGPASS/],
  ]
  for (const [more, said] of refusals) {
    const { redis } = readConfig({ ...env, ...more })
    if (!redis) throw new Error('no Redis')
    await t.assert.rejects(openRedis(redis, silent), { name: 'StartupError', message: said })
  }
})

test('a service that starts without its sentinels finds them later', { skip: withoutRedis }, async (t: TestContext) => {
  const { first, sentinel, env } = await openSentinel(t)
  const proxy = await openProxy(sentinel.port)
  closeAfter(t, () => proxy.close())
  proxy.target = undefined
  const { redis } = readConfig({ ...env, REDIS_SENTINELS: `127.0.0.1:${proxy.port}` })
  if (!redis) throw new Error('no Redis')
  const log: string[] = []
  const logger = pino({ level: 'warn' }, { write: (line: string) => void log.push(line) })
  const metrics = openMetrics()
  const { run, close } = await openRedis(redis, logger, metrics)
  closeAfter(t, close)
  t.assert.ok(log.length === 1 && log[0]?.includes('Redis is not available; starting without it'), log.join(''))
  await t.assert.rejects(run('copy', (client) => client.set('late', 'yes')))
  const fallbacks = [...(await seriesOf(metrics))].filter(
    ([series, count]) => series.includes('fallbacks') && count > 0,
  )
  t.assert.deepStrictEqual(fallbacks, [['stockroom_redis_fallbacks_total{use="copy",reason="disconnected"}', 1]])
  proxy.target = sentinel.port
  await until(() =>
    run('copy', (client) => client.set('late', 'yes')).then(
      () => true,
      () => false,
    ),
  )
  t.assert.strictEqual(await valueAt(first.port, 'late'), 'yes')
})
