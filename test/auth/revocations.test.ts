import { randomUUID } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Server } from '../../src/database/server.ts'
import { openApp, openAppOn, openSchema, testConfig, type TestApp, withoutRedis } from '../support/app.ts'
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
  link.silence()
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

test('a logout everywhere ends all earlier tokens of its manager alone', async (t: TestContext) => {
  const { server, schema } = await openSchema(t)
  const here = await openAppOn(t, server, testConfig(schema))
  const there = await openAppOn(t, server, testConfig(schema))
  for (const method of ['GET', 'POST'] as const) {
    const phone = await here.signIn('ada@example.com')
    const laptop = await here.signIn('ada@example.com')
    const grace = await here.signIn('grace@example.com')
    const statuses = async () => {
      const answers: number[] = []
      for (const app of [here, there]) {
        for (const { token } of [phone, laptop, grace]) {
          const { statusCode } = await app.send({ url: '/items', headers: { authorization: `Bearer ${token}` } })
          answers.push(statusCode)
        }
      }
      return answers
    }
    t.assert.deepStrictEqual(await statuses(), [200, 200, 200, 200, 200, 200])
    const headers = { authorization: `Bearer ${phone.token}` }
    const answer = await there.send({ method, url: '/store-managers/logout?scope=all', headers })
    t.assert.deepStrictEqual(answer.json(), { message: 'Logged out successfully' })
    t.assert.deepStrictEqual(await statuses(), [401, 401, 200, 401, 401, 200])
    t.assert.strictEqual((await phone.get('/items')).json().detail, 'The token has been revoked.')
  }
  const again = await here.signIn('ada@example.com')
  t.assert.strictEqual((await again.get('/items')).statusCode, 200)
  t.assert.strictEqual((await again.get('/store-managers/logout?scope=some')).statusCode, 422)
})

test('a token that Redis alone knows to be logged out is refused', { skip }, async (t: TestContext) => {
  const { apps, port } = await openService(t)
  const ada = await apps[0].signIn('ada@example.com')
  t.assert.strictEqual((await ada.get('/items')).statusCode, 200)
  const { jti } = JSON.parse(Buffer.from(ada.token.split('.')[1] ?? '', 'base64url').toString())
  await redisCli(port, 'SET', jti, '{"status": "blacklisted"}')
  t.assert.strictEqual((await ada.get('/items')).json().detail, 'The token has been revoked.')
})

test('revocations are swept an hour after their token has expired', async (t: TestContext) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const { context, signIn } = await openApp(t)
  const { id: sub } = await signIn('ada@example.com')
  const minutes = [-61, -59, 59]
  const records = minutes.map((minute) => ({
    jti: randomUUID(),
    store_manager_id: sub,
    expires_at: new Date(Date.now() + minute * 60_000),
    revoked_at: new Date(),
  }))
  await context.db.insertInto('revoked_tokens').values(records).execute()
  t.mock.timers.tick(3_600_000)
  const count = () => context.db.selectFrom('revoked_tokens').select('jti').execute()
  await until(async () => (await count()).length < minutes.length)
  t.assert.strictEqual((await count()).length, 2)
})

test('a logout of a manager who has just been deleted gets 401', async (t: TestContext) => {
  const { context } = await openApp(t)
  const nobody = {
    sub: randomUUID(),
    jti: randomUUID(),
    exp: Math.floor(Date.now() / 1000) + 60,
    issuedAt: 0,
    generation: 0,
  }
  await t.assert.rejects(context.revocations.revoke(nobody), { code: 'invalid_token' })
  await t.assert.rejects(context.revocations.revokeAll(nobody), { code: 'invalid_token' })
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

/** While PostgreSQL answers, everything is answered, and rightly. */
function expectRight(t: TestContext, { wrong, unavailable }: Seen): void {
  t.assert.deepStrictEqual(wrong, [])
  t.assert.strictEqual(unavailable, 0)
}
