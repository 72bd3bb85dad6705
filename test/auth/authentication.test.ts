import { createHmac, generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { createClient } from '@redis/client'

import { onServer, openApp, secret, type TestApp, withoutRedis } from '../support/app.ts'

const inAnHour = Math.floor(Date.now() / 1000) + 3600
const now = Math.floor(Date.now() / 1000)

test('a request without a token gets 401 that says how to send one', async (t: TestContext) => {
  const { send } = await openApp(t)
  for (const headers of [
    {},
    { authorization: 'Basic YTpi' },
    { authorization: 'Bearer' },
    { authorization: 'Bearer a b' },
  ]) {
    const refused = await send({ url: '/items', headers })
    t.assert.strictEqual(refused.statusCode, 401)
    t.assert.strictEqual(refused.json().code, 'missing_token')
    t.assert.strictEqual(refused.headers['www-authenticate'], 'Bearer')
  }
})

for (const scheme of ['Bearer', 'bearer', 'JWT', 'jwt']) {
  test(`a token is accepted under the scheme ${scheme}`, async (t: TestContext) => {
    const { signIn, send } = await openApp(t)
    const { token } = await signIn('ada@example.com')
    const answer = await send({ url: '/items', headers: { authorization: `${scheme} ${token}` } })
    t.assert.strictEqual(answer.statusCode, 200)
    t.assert.deepStrictEqual(answer.json(), {})
    const more = await send({ url: '/items', headers: { authorization: `${scheme} ${token} x` } })
    t.assert.strictEqual(more.statusCode, 401)
  })
}

interface Claims {
  sub?: unknown
  jti?: unknown
  iat?: unknown
  exp?: unknown
  nbf?: unknown
}

const forgeries: [what: string, make: (claims: Claims) => string][] = [
  ['is no JWT', () => 'abc'],
  [
    'is signed with another secret',
    (claims) => hmac(claims, 'sha256', 'HS256', 'another secret, long enough to be one'),
  ],
  ['has changed claims', (claims) => tamper(hmac(claims))],
  ['is not signed', (claims) => `${encode({ alg: 'none', typ: 'JWT' })}.${encode(claims)}.`],
  ['is not signed and says so in capitals', (claims) => `${encode({ alg: 'NONE' })}.${encode(claims)}.`],
  ['is signed with HS512 where HS256 is set', (claims) => hmac(claims, 'sha512', 'HS512')],
  ['is signed with HS384 where HS256 is set', (claims) => hmac(claims, 'sha384', 'HS384')],
  ['is signed with an RSA key', rsa],
  ['has expired', (claims) => hmac({ ...claims, exp: now - 1 })],
  ['is not valid yet', (claims) => hmac({ ...claims, nbf: inAnHour })],
  ['has no exp', (claims) => hmac({ ...claims, exp: undefined })],
  ['has no jti', (claims) => hmac({ ...claims, jti: undefined })],
  ['has no sub', (claims) => hmac({ ...claims, sub: undefined })],
  ['has a jti that is no UUID', (claims) => hmac({ ...claims, jti: 'x' })],
  ['has a number as its jti', (claims) => hmac({ ...claims, jti: 5 })],
  ['has a sub that is no UUID', (claims) => hmac({ ...claims, sub: "' or 1=1" })],
  ['has a number as its sub', (claims) => hmac({ ...claims, sub: 5 })],
  ['is of a manager who never was', (claims) => hmac({ ...claims, sub: randomUUID() })],
]

for (const [what, make] of forgeries) {
  test(`a token that ${what} is refused`, async (t: TestContext) => {
    const { signIn, send } = await openApp(t)
    const { id: sub } = await signIn('ada@example.com')
    const claims = { sub, jti: randomUUID(), iat: now, exp: inAnHour }
    t.assert.strictEqual(
      (await send({ url: '/items', headers: { authorization: `Bearer ${hmac(claims)}` } })).statusCode,
      200,
    )
    for (const method of ['GET', 'POST'] as const) {
      const refused = await send({ method, url: '/items', headers: { authorization: `Bearer ${make(claims)}` } })
      t.assert.strictEqual(refused.statusCode, 401)
      t.assert.strictEqual(refused.json().code, 'invalid_token')
      t.assert.match(String(refused.headers['www-authenticate']), /^Bearer error="invalid_token"/)
    }
  })
}

test('a claim of another type, range, issuer, or purpose is refused', async (t: TestContext) => {
  const { signIn, send } = await openApp(t)
  const { id: sub } = await signIn('ada@example.com')
  const answer = (claims: object, header: object) => {
    const content = `${encode({ alg: 'HS256', ...header })}.${encode({ sub, jti: randomUUID(), exp: inAnHour, ...claims })}`
    const token = `${content}.${createHmac('sha256', secret).update(content).digest('base64url')}`
    return send({ method: 'POST', url: '/store-managers/logout', headers: { authorization: `Bearer ${token}` } })
  }
  const odd: [claims: object, header?: object][] = [
    [{ sub: [sub] }],
    [{ sub: { toLowerCase: 1 } }],
    [{ jti: [randomUUID()] }],
    ...[1e13, 253_402_300_800, inAnHour + 0.5, `${inAnHour}`, [inAnHour], true, null].map(
      (exp) => [{ exp }] as [object],
    ),
    ...[-1, 0.5, 2 ** 31, 2 ** 53, '0', [0], null].map((gen) => [{ gen }] as [object]),
    ...[-1, now + 0.5, inAnHour + 1, `${now}`, [now], null].map((iat) => [{ iat }] as [object]),
    ...[-1, now - 0.5, `${now}`, [now], null].map((nbf) => [{ nbf }] as [object]),
    ...['', 'other', ['stockroom'], 5, null].map((iss) => [{ iss }] as [object]),
    ...['', 'other', [], ['other'], { stockroom: 1 }, null].map((aud) => [{ aud }] as [object]),
    ...['', 'id+jwt', 'logout+jwt', 'JWTs', 'xat+jwt', 5, null].map((typ) => [{}, { typ }] as [object, object]),
  ]
  for (const [claims, header = {}] of odd) {
    const refused = await answer(claims, header)
    t.assert.deepStrictEqual(
      [refused.statusCode, refused.json().code],
      [401, 'invalid_token'],
      JSON.stringify([claims, header]),
    )
  }
  const right: [claims: object, header: object][] = [
    [{}, {}],
    [{ iat: now, nbf: now, gen: 0, exp: 253_402_300_799 }, { typ: 'JWT' }],
    [{ iss: 'stockroom', aud: 'stockroom' }, { typ: 'at+jwt' }],
    [{ aud: ['other', 'stockroom'] }, { typ: 'application/AT+JWT' }],
  ]
  for (const [claims, header] of right) t.assert.strictEqual((await answer(claims, header)).statusCode, 200)
})

test('a token whose ID has capital letters is logged out like any other', async (t: TestContext) => {
  const { signIn, send } = await openApp(t, { REDIS_HOST: '' })
  const { id: sub } = await signIn('ada@example.com')
  const claims = { sub: sub.toUpperCase(), jti: randomUUID().toUpperCase(), exp: inAnHour }
  const ask = (url: string) => send({ url, headers: { authorization: `Bearer ${hmac(claims)}` } })
  t.assert.strictEqual((await ask('/store-managers/logout')).statusCode, 200)
  t.assert.strictEqual((await ask('/items')).statusCode, 401)
})

test('a token is refused without a query once it has been refused', async (t: TestContext) => {
  const { signIn, server, context, log } = await openApp(t, { POSTGRES_ECHO: 'true' })
  const ada = await signIn('ada@example.com')
  const grace = await signIn('grace@example.com')
  await ada.post('/store-managers/logout')
  await onServer(server, `delete from ${context.config.pool.schema}.store_managers where id = '${grace.id}'`)
  for (const [manager, detail] of [
    [ada, /revoked/],
    [grace, /no longer exists/],
  ] as const) {
    t.assert.strictEqual((await manager.get('/store-managers/me')).statusCode, 401)
    const before = log.length
    for (const path of ['/items', '/items/export', '/store-managers/logout', '/store-managers/me']) {
      t.assert.match((await manager.get(path)).json().detail, detail)
    }
    // What began during a check would be sent by now.
    await sleep(50)
    t.assert.deepStrictEqual(
      log.slice(before).filter((line) => line.includes('"sql"')),
      [],
    )
  }
})

test('an ended token starts no expensive query', async (t: TestContext) => {
  const { signIn, log } = await openApp(t, { POSTGRES_ECHO: 'true' })
  for (const path of ['?limit=5', '?q=tea', '?limit=1&count=exact', '/summary', '/export', '', '?sort=name']) {
    const ada = await signIn('ada@example.com')
    const other = await signIn('ada@example.com')
    await other.post('/store-managers/logout?scope=all')
    const before = log.length
    t.assert.strictEqual((await ada.get(`/items${path}`)).statusCode, 401)
    t.assert.deepStrictEqual(
      log.slice(before).filter((line) => line.includes('"sql"') && !line.includes('revoked_tokens')),
      [],
    )
  }
})

for (const [algorithm, hash] of [
  ['HS384', 'sha384'],
  ['HS512', 'sha512'],
] as const) {
  test(`JWT_ALGORITHM=${algorithm} signs tokens so and refuses HS256`, async (t: TestContext) => {
    const { signIn, send } = await openApp(t, { JWT_ALGORITHM: algorithm })
    const ada = await signIn('ada@example.com')
    t.assert.strictEqual(JSON.parse(Buffer.from(ada.token.split('.')[0] ?? '', 'base64url').toString()).alg, algorithm)
    t.assert.strictEqual((await ada.get('/items')).statusCode, 200)
    const claims = { sub: ada.id, jti: randomUUID(), exp: inAnHour }
    const status = async (token: string) =>
      (await send({ url: '/items', headers: { authorization: `Bearer ${token}` } })).statusCode
    t.assert.strictEqual(await status(hmac(claims, hash, algorithm)), 200)
    t.assert.strictEqual(await status(hmac(claims)), 401)
  })
}

test('an expired token is refused although it was verified before', async (t: TestContext) => {
  const { signIn, send, context } = await openApp(t)
  const { id: sub } = await signIn('ada@example.com')
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
  const exp = Math.floor(Date.now() / 1000) + 60
  const headers = { authorization: `Bearer ${hmac({ sub, jti: randomUUID(), exp })}` }
  for (let request = 0; request < 2; request++)
    t.assert.strictEqual((await send({ url: '/items', headers })).statusCode, 200)
  t.mock.timers.setTime(exp * 1000)
  const refused = await send({ url: '/items', headers })
  t.assert.strictEqual(refused.statusCode, 401)
  t.assert.strictEqual(refused.json().detail, 'The token has expired.')
  t.assert.throws(() => context.tokens.getCached(headers.authorization), { code: 'invalid_token' })
})

test('only headers of a usual length are cached as verified', async (t: TestContext) => {
  const { signIn, context } = await openApp(t)
  const { token } = await signIn('ada@example.com')
  for (const [spaces, remembered] of [
    [1, true],
    [300, false],
  ] as const) {
    const authorization = `Bearer${' '.repeat(spaces)}${token}`
    const verified = await context.tokens.verify(authorization)
    t.assert.deepStrictEqual(context.tokens.getCached(authorization), remembered ? verified : undefined)
  }
})

test('the token of a deleted manager can neither read nor write', async (t: TestContext) => {
  const { signIn, server, context } = await openApp(t)
  const ada = await signIn('ada@example.com')
  t.assert.strictEqual((await ada.get('/items')).statusCode, 200)
  await onServer(server, `delete from ${context.config.pool.schema}.store_managers`)
  for (const refused of [
    await ada.get('/items'),
    await ada.post('/items', {}),
    await ada.get('/store-managers/logout'),
  ]) {
    t.assert.strictEqual(refused.statusCode, 401)
    t.assert.match(refused.json().detail, /no longer exists/)
  }
})

for (const [where, skip, env] of [
  ['Redis', withoutRedis, {}],
  ['PostgreSQL alone', false, { REDIS_HOST: '' }],
] as const) {
  test(`a logout ends its own token alone, immediately (${where})`, { skip }, async (t: TestContext) => {
    const { signIn } = await openApp(t, env)
    const phone = await signIn('ada@example.com')
    const laptop = await signIn('ada@example.com')
    const answer = await phone.get('/store-managers/logout')
    t.assert.strictEqual(answer.statusCode, 200)
    t.assert.deepStrictEqual(answer.json(), { message: 'Logged out successfully' })
    const refused = await phone.get('/items')
    t.assert.strictEqual(refused.statusCode, 401)
    t.assert.strictEqual(refused.json().detail, 'The token has been revoked.')
    t.assert.strictEqual((await phone.get('/store-managers/logout')).statusCode, 401)
    t.assert.strictEqual((await laptop.get('/items')).statusCode, 200)
    t.assert.deepStrictEqual((await laptop.post('/store-managers/logout')).json(), {
      message: 'Logged out successfully',
    })
    t.assert.strictEqual((await laptop.get('/items')).statusCode, 401)
  })

  test(`concurrent logouts of one token end it (${where})`, { skip }, async (t: TestContext) => {
    const { signIn } = await openApp(t, env)
    const ada = await signIn('ada@example.com')
    const answers = await Promise.all([ada.get('/store-managers/logout'), ada.post('/store-managers/logout')])
    for (const { statusCode } of answers) t.assert.ok([200, 401].includes(statusCode))
    t.assert.strictEqual((await ada.get('/items')).statusCode, 401)
  })
}

test(
  'Redis holds a logged-out token under its jti until it would have ended',
  { skip: withoutRedis },
  async (t: TestContext) => {
    const { signIn, context } = await openApp(t)
    const ada = await signIn('ada@example.com')
    const { jti, exp } = JSON.parse(Buffer.from(ada.token.split('.')[1] ?? '', 'base64url').toString())
    await ada.get('/store-managers/logout')
    const redis = await connect(context.config.redis)
    t.after(() => redis.destroy())
    const record = JSON.parse((await redis.get(jti)) ?? '{}')
    t.assert.deepStrictEqual(Object.keys(record), ['jti', 'status', 'created_at', 'updated_at'])
    t.assert.strictEqual(record.jti, jti)
    t.assert.strictEqual(record.status, 'blacklisted')
    t.assert.strictEqual(record.updated_at, record.created_at)
    t.assert.strictEqual(new Date(record.created_at).toISOString(), record.created_at)
    t.assert.strictEqual(await redis.expireTime(jti), exp)
  },
)

function connect(redis: TestApp['context']['config']['redis']) {
  return createClient({ socket: { host: redis?.host ?? '', port: redis?.port ?? 0 } }).connect()
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function hmac(claims: Claims, hash = 'sha256', alg = 'HS256', key = secret): string {
  const content = `${encode({ alg, typ: 'JWT' })}.${encode(claims)}`
  return `${content}.${createHmac(hash, key).update(content).digest('base64url')}`
}

function tamper(token: string): string {
  const [header, payload = '', signature] = token.split('.')
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
  return `${header}.${encode({ ...claims, exp: claims.exp + 1 })}.${signature}`
}

function rsa(claims: Claims): string {
  const content = `${encode({ alg: 'RS256', typ: 'JWT' })}.${encode(claims)}`
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return `${content}.${sign('sha256', Buffer.from(content), privateKey).toString('base64url')}`
}
