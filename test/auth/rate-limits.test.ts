import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { pino } from 'pino'

import { openRateLimit } from '../../src/auth/rate-limits.ts'
import { storeUnavailable } from '../../src/problems.ts'
import { openRedis } from '../../src/redis/redis.ts'
import { form, openApp, openAppOn, type TestApp, testConfig, withoutRedis } from '../support/app.ts'
import { password } from '../support/fixtures.ts'
import { redisCli, startRedis } from '../support/stores.ts'

const email = 'ada@example.com'
const wrong = 'wrong horse battery'

test('an address with too many failed logins waits, whatever it sends', async (t: TestContext) => {
  const { register, logIn } = await openApp(t, { LOGIN_LIMIT_PER_ADDRESS: '3' })
  await register(email)
  for (let login = 0; login < 5; login++) t.assert.strictEqual((await logIn(email)).statusCode, 200)
  const tries = await Promise.all(Array.from({ length: 4 }, () => logIn(email, wrong)))
  t.assert.deepStrictEqual(tries.map(({ statusCode }) => statusCode).toSorted(), [401, 401, 401, 429])
  const refused = await logIn(email)
  t.assert.strictEqual(refused.statusCode, 429)
  t.assert.strictEqual(refused.json().code, 'too_many_logins')
  t.assert.ok(Number(refused.headers['retry-after']) > 800)
})

test('a login during an outage does not count as failed', async (t: TestContext) => {
  const { register, logIn, context } = await openApp(t, { LOGIN_LIMIT_PER_ADDRESS: '1' })
  await register(email)
  const away = t.mock.method(context.passwords, 'verify', async () => {
    throw storeUnavailable('PostgreSQL', new Error('away'))
  })
  for (let login = 0; login < 3; login++) t.assert.strictEqual((await logIn(email)).statusCode, 503)
  away.mock.restore()
  t.assert.strictEqual((await logIn(email)).statusCode, 200)
})

test('limits count an IPv4 address in any notation, or an IPv6 /64', async (t: TestContext) => {
  const app = await openApp(t, { LOGIN_LIMIT_PER_ADDRESS: '1' })
  const addresses: [address: string, status: number][] = [
    ['2001:db8::1', 401],
    ['2001:db8:0:0:ffff::2', 429],
    ['2001:db8:0:1::1', 401],
    ['1:2:3:4:5:6:7:8', 401],
    ['1:2:3:4::', 429],
    ['::1', 401],
    ['0:0:0:0:1:2:3:4', 429],
    ['fe80::1%eth0', 401],
    ['192.0.2.1', 401],
    ['192.0.2.2', 401],
    ['::ffff:192.0.2.1', 429],
    ['::ffff:192.0.2.3', 401],
  ]
  for (const [address, status] of addresses) {
    t.assert.strictEqual((await logInFrom(app, address)).statusCode, status, address)
  }
})

test('guessing from elsewhere does not lock the owner out', async (t: TestContext) => {
  const app = await openApp(t, { LOGIN_LIMIT_PER_ADDRESS: '20', LOGIN_LIMIT_PER_ACCOUNT: '3' })
  await app.register(email)
  for (let guess = 1; guess <= 3; guess++) {
    t.assert.strictEqual((await logInFrom(app, `192.0.2.${guess}`)).statusCode, 401)
  }
  for (const guess of [email, 'ADA@example.com', email]) {
    const refused = await logInFrom(app, '192.0.2.4', guess)
    t.assert.strictEqual(refused.statusCode, 429)
    t.assert.strictEqual(refused.json().code, 'too_many_logins')
    t.assert.ok(Number(refused.headers['retry-after']) > 800)
  }
  t.assert.strictEqual((await logInFrom(app, '192.0.2.4', email, password)).statusCode, 429)
  t.assert.strictEqual((await logInFrom(app, '192.0.2.4', 'bob@example.com')).statusCode, 429)
  for (const address of ['192.0.2.1', '192.0.2.5']) {
    t.assert.strictEqual((await logInFrom(app, address, email, password)).statusCode, 200)
  }
})

test('logins of an unknown account are limited like any other', async (t: TestContext) => {
  const app = await openApp(t, { LOGIN_LIMIT_PER_ACCOUNT: '2' })
  await app.register(email)
  const statuses = async (username: string) => {
    const answers = [1, 2, 3, 4].map((host) => logInFrom(app, `192.0.2.${host}`, username))
    return (await Promise.all(answers)).map(({ statusCode }) => statusCode).toSorted()
  }
  t.assert.deepStrictEqual(await statuses(email), [401, 401, 429, 429])
  t.assert.deepStrictEqual(await statuses('nobody@example.com'), [401, 401, 429, 429])
})

test('every spelling of an account counts as the same account', async (t: TestContext) => {
  const app = await openApp(t, { LOGIN_LIMIT_PER_ACCOUNT: '1' })
  const accounts = [
    ['ian@example.com', ' IAN@Example.com\t'],
    ['jörg@müller.example', 'JO\u0308RG@xn--mller-kva.example'],
    ['茶@example.com', '茶@EXAMPLE.com'],
    ['酒@example.com', '酒@example.com'],
    ['no address', 'NO ADDRESS'],
    ['ada@localhost', ' ada@localhost\t'],
  ]
  for (const [first = '', other = ''] of accounts) {
    t.assert.strictEqual((await logInFrom(app, '192.0.2.1', first)).statusCode, 401, first)
    t.assert.strictEqual((await logInFrom(app, '192.0.2.2', other)).statusCode, 429, other)
  }
})

test('X-Forwarded-For is trusted as far as TRUST_PROXY says', async (t: TestContext) => {
  const statuses = async (env: Record<string, string>, ...forwarded: string[]) => {
    const app = await openApp(t, { LOGIN_LIMIT_PER_ADDRESS: '1', ...env })
    const found: number[] = []
    for (const from of forwarded) found.push((await logInFrom(app, '10.0.0.1', email, wrong, from)).statusCode)
    return found
  }
  t.assert.deepStrictEqual(await statuses({}, '192.0.2.1', '192.0.2.2'), [401, 429])
  for (const trusted of ['1', '10.0.0.1', '192.168.0.1, 10.0.0.0/8']) {
    const believed = await statuses({ TRUST_PROXY: trusted }, '192.0.2.1', '192.0.2.2', '192.0.2.9, 192.0.2.1')
    t.assert.deepStrictEqual(believed, [401, 401, 429], trusted)
  }
  const other = await statuses({ TRUST_PROXY: '10.0.0.2' }, '192.0.2.1', '192.0.2.2')
  t.assert.deepStrictEqual(other, [401, 429])
})

test('a forwarded address counts the same in each notation', async (t: TestContext) => {
  const app = await openApp(t, { LOGIN_LIMIT_PER_ADDRESS: '1', TRUST_PROXY: '1' })
  const groups = [
    [
      '203.0.113.6',
      '203.0.113.6:50001',
      ' 203.0.113.6:50002 ',
      '"203.0.113.6:1"',
      '"[ 203.0.113.6 ]:1"',
      '[203.0.113.6]',
      '::ffff:203.0.113.6',
    ],
    ['[2001:db8::1]:443', '2001:db8::2', '[2001:db8::3]', '"[2001:DB8::4]:65535"', '[2001:db8::5%eth0]:1'],
    ['203.0.113.7:', '[::ffff:203.0.113.7]:80', '::ffff:cb00:7107', '"203.0.113.7"'],
    ['unknown', '_hidden', '"', '203.0.113.06', '203.0.113.6:x', '[203.0.113.6', 'a'.repeat(99), '_x:80', '999.1.1.1'],
  ]
  for (const [first = '', ...others] of groups) {
    t.assert.strictEqual((await logInFrom(app, '10.0.0.1', email, wrong, first)).statusCode, 401, first)
    for (const other of others) {
      t.assert.strictEqual((await logInFrom(app, '10.0.0.1', email, wrong, other)).statusCode, 429, other)
    }
  }
})

test('a proxy in TRUST_PROXY is recognized in each notation', async (t: TestContext) => {
  const app = await openApp(t, { LOGIN_LIMIT_PER_ADDRESS: '1', TRUST_PROXY: '10.0.0.0/8, fd00::/8' })
  const proxies = ['10.0.0.2', '10.0.0.2:50001', '"[fd00::1]:443"', '::ffff:10.0.0.2', '[::ffff:10.0.0.2]:1']
  for (const [index, proxy] of proxies.entries()) {
    for (const client of [`192.0.2.${2 * index}`, `192.0.2.${2 * index + 1}`]) {
      const answer = await logInFrom(app, '10.0.0.1', email, wrong, `${client}, ${proxy}`)
      t.assert.strictEqual(answer.statusCode, 401, proxy)
    }
  }
  t.assert.strictEqual((await logInFrom(app, '10.0.0.1', email, wrong, '192.0.2.99, 11.0.0.1')).statusCode, 401)
  t.assert.strictEqual((await logInFrom(app, '10.0.0.1', email, wrong, '192.0.2.98, 11.0.0.1')).statusCode, 429)
})

test('the RateLimit headers say how many logins may still fail', async (t: TestContext) => {
  const { register, logIn } = await openApp(t, { LOGIN_LIMIT_PER_ADDRESS: '3', LOGIN_LIMIT_PER_ACCOUNT: '1' })
  await register(email)
  const answers = [await logIn(email), await logIn(email, wrong), await logIn(email), await logIn(email, wrong)]
  for (const { headers } of answers) t.assert.strictEqual(headers['ratelimit-policy'], '"login";q=3;w=900')
  t.assert.deepStrictEqual(
    answers.map(({ headers }) => String(headers['ratelimit']).replace(/;t=(900|89\d)$/, ';t=…')),
    [3, 2, 2, 0].map((left) => `"login";r=${left};t=…`),
  )
})

test('an address registers a limited number of managers in 15 minutes', async (t: TestContext) => {
  const { register, send } = await openApp(t, { REGISTRATION_LIMIT_PER_ADDRESS: '2' })
  const first = await register(email)
  t.assert.deepStrictEqual([first.statusCode, first.headers['ratelimit']], [201, '"registration";r=1;t=900'])
  t.assert.strictEqual((await register(email)).statusCode, 409)
  const refused = await register('grace@example.com')
  t.assert.deepStrictEqual([refused.statusCode, refused.json().code], [429, 'too_many_registrations'])
  t.assert.ok(Number(refused.headers['retry-after']) > 800)
  t.assert.match(String(refused.headers['ratelimit']), /^"registration";r=0;t=\d+$/)
  const payload = { name: 'Grace', email: 'grace@example.com', password }
  const elsewhere = await send({ method: 'POST', url: '/store-managers', remoteAddress: '192.0.2.1', payload })
  t.assert.strictEqual(elsewhere.statusCode, 201)
})

test('a count never falls below 0, even if its key has expired', { skip: withoutRedis }, async (t: TestContext) => {
  const { port, redis } = await openOwnRedis(t)
  for (const store of [redis, undefined]) {
    const limit = openRateLimit('login', 3, 's', store)
    t.assert.ok(limit)
    if (store) await limit.consume('ada', 18)
    await redisCli(port, 'FLUSHALL')
    await Promise.all(Array.from({ length: 18 }, () => limit.consume('ada', -1)))
    const standings = []
    for (let failure = 1; failure <= 4; failure++) standings.push((await limit.consume('ada')).exceeded)
    t.assert.deepStrictEqual(standings, [false, false, false, true])
  }
})

test('the 15 minutes begin with the first counted request', { skip: withoutRedis }, async (t: TestContext) => {
  const { redis } = await openOwnRedis(t)
  for (const store of [redis, undefined]) {
    const limit = openRateLimit('login', 3, 's', store)
    const first = await limit?.consume('ada')
    await sleep(1_100)
    const second = await limit?.consume('ada')
    t.assert.ok(first && second && second.seconds < first.seconds)
  }
})

test('a limit of 0 sends no RateLimit headers', async (t: TestContext) => {
  const { register, logIn } = await openApp(t)
  for (const { headers } of [await register(email), await logIn(email), await logIn(email, wrong)]) {
    t.assert.deepStrictEqual([headers['ratelimit'], headers['ratelimit-policy']], [undefined, undefined])
  }
})

test(
  'replicas share counts in Redis, and count alone while it is down',
  { skip: withoutRedis },
  async (t: TestContext) => {
    const redis = await startRedis()
    t.after(() => redis.stop())
    const env = { REDIS_HOST: '127.0.0.1', REDIS_PORT: String(redis.port), LOGIN_LIMIT_PER_ADDRESS: '2' }
    const one = await openApp(t, env)
    const other = await openAppOn(t, one.server, testConfig(one.context.config.pool.schema, env))
    const fail = async (app: TestApp, address: string) => (await logInFrom(app, address)).statusCode
    const here = '192.0.2.1'
    const there = '192.0.2.2'
    t.assert.deepStrictEqual([await fail(one, here), await fail(other, here), await fail(one, here)], [401, 401, 429])
    const keys = await keysIn(redis.port)
    t.assert.strictEqual(keys.length, 3)
    t.assert.ok(!keys.some((key) => key.includes('ada')), 'no email address is kept in Redis')

    process.kill(redis.pid, 'SIGSTOP')
    const alone = await Promise.all([fail(one, there), fail(one, there), fail(one, there), fail(other, there)])
    t.assert.deepStrictEqual(alone, [401, 401, 429, 401])
    await redis.stop()
    t.assert.strictEqual(await fail(one, there), 429)
  },
)

function logInFrom(app: TestApp, remoteAddress: string, username = email, plain = wrong, forwardedFor?: string) {
  const { payload, headers } = form({ username, password: plain })
  const forwarded: Record<string, string> = forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor }
  const url = '/store-managers/token'
  return app.send({ method: 'POST', url, remoteAddress, payload, headers: { ...headers, ...forwarded } })
}

async function openOwnRedis(t: TestContext) {
  const server = await startRedis()
  t.after(() => server.stop())
  const { redis: address } = testConfig('s', { REDIS_HOST: '127.0.0.1', REDIS_PORT: String(server.port) })
  if (!address) throw new Error('there is no address')
  const redis = await openRedis(address, pino({ level: 'silent' }))
  t.after(() => redis.close())
  return { port: server.port, redis }
}

async function keysIn(port: number): Promise<string[]> {
  return (await redisCli(port, 'KEYS', '*')) as string[]
}
