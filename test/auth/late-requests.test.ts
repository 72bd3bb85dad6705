import { createHmac, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { fastify } from 'fastify'

import { endResponsesWithToken } from '../../src/auth/late-responses.ts'
import { queryOf, refusal } from '../../src/auth/token-validity.ts'
import type { App } from '../../src/http/types.ts'
import { storeUnavailable } from '../../src/problems.ts'
import { listen, openApp, openAppOn, openSchema, secret, testConfig, withoutRedis } from '../support/app.ts'
import { withoutIndexes } from '../support/bulk.ts'
import { closeAfter } from '../support/cleanup.ts'
import { password, tea } from '../support/fixtures.ts'
import { waitersOf } from '../support/lock-waits.ts'
import { schemaClient } from '../support/schema-client.ts'
import { sendHeaders } from '../support/split-request.ts'
import { redisCli, startRedis } from '../support/stores.ts'
import { until } from '../support/until.ts'

const me = '/store-managers/me'

/** Milliseconds: fewer than the service waits for a reader that takes nothing. */
const beforeTheyAreDropped = 15_000

const writes: [
  what: string,
  method: string,
  path: (id: string, set: string) => string,
  body: object,
  headers?: Record<string, string>,
][] = [
  ['a new item', 'POST', () => '/items', tea],
  ['a new item with a key', 'POST', () => '/items', tea, { 'idempotency-key': 'abc' }],
  ['a changed item', 'PATCH', (id) => `/items/${id}`, { price_usd: 5.49 }],
  ['a deleted item', 'DELETE', (id) => `/items/${id}`, {}],
  [
    'a bulk change',
    'POST',
    () => '/items/bulk',
    { select: { filters: { q: tea.name } }, change: { set: { price_usd: 5.49 } } },
  ],
  ['an undo', 'POST', (_id, set) => `/changes/${set}/undo`, {}],
  ['an import', 'POST', () => '/items/import', tea, { 'content-type': 'application/x-ndjson' }],
  ['a new name', 'PATCH', () => me, { name: 'Eve' }],
  ['a new email address', 'PATCH', () => me, { email: `${randomUUID()}@example.com`, current_password: password }],
  ['a logout everywhere', 'POST', () => '/store-managers/logout?scope=all', {}],
  ['a deleted account', 'DELETE', () => me, { current_password: password }],
]

const ends: [how: string, end: (caller: Caller) => Promise<unknown>, detail: RegExp][] = [
  ['is logged out', ({ logOut }) => logOut(), /revoked/],
  ['is logged out by another', ({ manager }) => manager.get('/store-managers/logout?scope=all'), /revoked/],
  ['expires', ({ expiresAt }) => sleep(expiresAt - Date.now() + 20), /expired/],
  ['loses its manager', ({ deleteManager }) => deleteManager(), /no longer exists/],
  ['is of a disabled manager', ({ disableManager }) => disableManager(), /disabled/],
]

for (const [what, method, path, body, headers] of writes) {
  test(`a body that ends after its token writes nothing (${what})`, async (t: TestContext) => {
    const { port, itemId, setId, rows, signIn } = await openService(t)
    for (const [how, end, detail] of ends) {
      const caller = await signIn(how === 'expires' ? 1 : 60)
      const late = await sendHeaders(port, method, path(itemId, setId), caller.token, body, headers)
      await end(caller)
      const before = await rows()
      const answer = await late.finish()
      t.assert.strictEqual(answer.status, 401, how)
      t.assert.match(JSON.parse(answer.body).detail, detail)
      t.assert.deepStrictEqual(await rows(), before)
    }
    const { token } = await signIn()
    const before = await rows()
    const slow = await sendHeaders(port, method, path(itemId, setId), token, body, headers)
    t.assert.ok((await slow.finish()).status < 300)
    t.assert.notDeepStrictEqual(await rows(), before)
  })
}

test('a late body that changes nothing of an account is refused as well', async (t: TestContext) => {
  const { port, signIn } = await openService(t)
  const { token, logOut } = await signIn()
  const whole = await sendHeaders(port, 'PATCH', me, token, {})
  t.assert.strictEqual((await whole.finish()).status, 200)
  const late = await sendHeaders(port, 'PATCH', me, token, {})
  await logOut()
  t.assert.strictEqual((await late.finish()).status, 401)
})

test('a logout on another replica counts for the next request', async (t: TestContext) => {
  const { port, itemId, elsewhere, signIn } = await openService(t)
  const answers = async (token: string) => {
    const ask = async (method: string, path: string, body: object, headers = {}) =>
      (await (await sendHeaders(port, method, path, token, body, headers)).finish()).status
    return Promise.all([
      ask('POST', '/items', tea),
      ask('POST', '/items', {}),
      ask('POST', '/items', tea, { 'idempotency-key': token.slice(-40) }),
      ask('PATCH', '/items/7', {}),
      ask('PATCH', `/items/${randomUUID()}`, {}),
      ask('PATCH', `/items/${itemId}`, {}, { 'if-match': '"0"' }),
      ask('DELETE', `/items/${randomUUID()}`, {}),
    ])
  }
  const { token } = await signIn()
  t.assert.deepStrictEqual(await answers(token), [201, 422, 201, 422, 404, 412, 404])
  const headers = { authorization: `Bearer ${token}` }
  await elsewhere({ method: 'POST', url: '/store-managers/logout', headers })
  t.assert.deepStrictEqual(new Set(await answers(token)), new Set([401]))
})

test('a write that waits for its item checks its token after the wait', async (t: TestContext) => {
  const { port, itemId, rows, signIn, hold, isWaiting } = await openService(t)
  for (const method of ['PATCH', 'DELETE']) {
    const { token, logOut } = await signIn()
    const release = await hold(`select from items where id = '${itemId}' for update`)
    const before = await rows()
    const waiting = await sendHeaders(port, method, `/items/${itemId}`, token, { price_usd: 5.49 })
    const answer = waiting.finish()
    await isWaiting()
    await logOut()
    await release()
    t.assert.strictEqual((await answer).status, 401)
    t.assert.deepStrictEqual(await rows(), before)
  }
})

test(
  "a late body writes nothing if Redis alone knows its token's logout",
  { skip: withoutRedis },
  async (t: TestContext) => {
    const redis = await startRedis()
    t.after(() => redis.stop())
    const { port, rows, signIn } = await openService(t, { REDIS_PORT: String(redis.port) })
    const { token, jti } = await signIn()
    const before = await rows()
    const late = await sendHeaders(port, 'POST', '/items', token, tea)
    await redisCli(redis.port, 'SET', jti, '{"status": "blacklisted"}')
    await sleep(1_000)
    t.assert.strictEqual((await late.finish()).status, 401)
    t.assert.deepStrictEqual(await rows(), before)
  },
)

test('lists and exports break off soon after their token ends', async (t: TestContext) => {
  const { port, signIn, addItems, isReadingItems, log } = await openService(t)
  await addItems(120_000)
  for (const [how, end, detail] of ends) {
    log.length = 0
    const caller = await signIn(how === 'expires' ? 6 : 60)
    const paths = ['/items', '/items/export?format=ndjson']
    const answers = await Promise.all(paths.map((path) => read(port, path, caller.token)))
    // Their readers do not read on, so only their token can end them.
    await end(caller)
    await until(async () => !(await isReadingItems()), beforeTheyAreDropped)
    for (const answer of answers) {
      t.assert.strictEqual(answer.statusCode, 200, how)
      await t.assert.rejects(async () => {
        for await (const _ of answer);
      })
    }
    const said = log.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'response aborted')
    t.assert.deepStrictEqual(
      said.map(({ level, reason }) => [level, detail.test(reason)]),
      [
        [info, true],
        [info, true],
      ],
    )
  }
})

/** The level of pino for what is expected. */
const info = 30

test('a slow response is not sent if its token was revoked meanwhile', async (t: TestContext) => {
  const { port, signIn, addItems, hold, isWaiting } = await openService(t)
  await addItems(1)
  const revealing = ['link', 'x-next-after', 'x-total-count']
  for (const [method, path, tells] of [
    ['GET', '/items?limit=1&count=exact', revealing],
    ['HEAD', '/items?limit=1&count=exact', revealing],
    ['GET', '/items/summary', []],
  ] as const) {
    for (const isLoggedOut of [false, true]) {
      const { token, logOut } = await signIn()
      const release = await hold('lock table items')
      const answer = read(port, path, token, method)
      await isWaiting()
      await sleep(1_100)
      if (isLoggedOut) await logOut()
      await release()
      const { statusCode, headers } = await answer
      t.assert.strictEqual(statusCode, isLoggedOut ? 401 : 200)
      const told = revealing.filter((name) => name in headers)
      t.assert.deepStrictEqual(told, isLoggedOut ? [] : tells)
    }
  }
})

type Caller = Awaited<ReturnType<Awaited<ReturnType<typeof openService>>['signIn']>>

/** A service where everybody may change an item of Grace. */
async function openService(t: TestContext, env: Record<string, string> = {}) {
  const { server, schema } = await openSchema(t)
  const client = schemaClient(server, schema)
  await client.connect()
  const limits = { REGISTRATION_LIMIT_PER_ADDRESS: '0', LOGIN_LIMIT_PER_ADDRESS: '0' }
  const settings = testConfig(schema, { ITEM_WRITES: 'shared', ...limits, ...env })
  const { app, signIn, log } = await openAppOn(t, server, settings)
  t.after(() => client.end())
  const other = await openAppOn(t, server, settings)
  const grace = await signIn('grace@example.com')
  const itemId: string = (await grace.post('/items', tea)).json().id
  const [created] = (await grace.get(`/items/${itemId}/changes`)).json()
  return {
    port: await listen(app),
    itemId,
    setId: created.change.id,
    log,
    /** Sends a request to another replica. */
    elsewhere: other.send,
    /** A manager with another token, which ends in `seconds`, less a part of one. */
    async signIn(seconds = 60) {
      const manager = await signIn(`${randomUUID()}@example.com`)
      if (seconds === 1) await sleep(1_000 - (Date.now() % 1_000))
      const exp = Math.floor(Date.now() / 1_000) + seconds
      const jti = randomUUID()
      const token = sign({ sub: manager.id, jti, exp })
      return {
        manager,
        token,
        jti,
        expiresAt: exp * 1_000,
        async logOut() {
          const headers = { authorization: `Bearer ${token}` }
          const { statusCode } = await app.inject({ method: 'POST', url: '/store-managers/logout', headers })
          t.assert.strictEqual(statusCode, 200)
        },
        deleteManager: () => client.query('delete from store_managers where id = $1', [manager.id]),
        // An operator's command ends the tokens as well, which would refuse them for another reason.
        disableManager: () => client.query('update store_managers set disabled_at = now() where id = $1', [manager.id]),
      }
    },
    /** Holds what `statement` locks. @returns releases it */
    async hold(statement: string) {
      await client.query('begin')
      await client.query(statement)
      return () => client.query('commit')
    },
    addItems: (count: number) =>
      withoutIndexes(client, async () => {
        const values = `gen_random_uuid(), repeat('x', 64), 'Pet', 1, true, id`
        await client.query(`insert into items select ${values} from store_managers, generate_series(1, ${count})`)
      }),
    /** Until a statement waits for what is held. */
    isWaiting: () => until(async () => (await client.query(waitersOf('pg_backend_pid()'))).rowCount),
    async isReadingItems() {
      const locks = `select from pg_locks where relation = 'items'::regclass and pid <> pg_backend_pid()`
      return (await client.query(locks)).rowCount !== 0
    },
    rows: async () => [
      (await client.query('select * from items order by id')).rows,
      (await client.query('select * from store_managers order by id')).rows,
      (await client.query('select * from idempotency_keys order by key_hash')).rows,
    ],
  }
}

/** Asks for `path`, and reads no further than the headers of the response. */
async function read(port: number, path: string, token: string, method = 'GET'): Promise<IncomingMessage> {
  const sent = get({ method, port, host: '127.0.0.1', path, headers: { authorization: `Bearer ${token}` } })
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  return answer
}

/** A token of Stockroom: one of the original, which lacks an audience, would be checked before each statement, too. */
function sign(claims: object): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const content = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode({ aud: 'stockroom', ...claims })}`
  return `${content}.${createHmac('sha256', secret).update(content).digest('base64url')}`
}

test('a token that expires before its write begins gets 401', async (t: TestContext) => {
  const { context, signIn } = await openApp(t)
  const { token } = await signIn('ada@example.com')
  const valid = await context.tokens.verify(`Bearer ${token}`)
  const query = queryOf(context.db)
  t.assert.strictEqual(await refusal(query, valid), undefined)
  const expired = await refusal(query, { ...valid, exp: Math.floor(Date.now() / 1000) - 1 })
  t.assert.strictEqual(expired?.message, 'The token has expired.')
  t.assert.strictEqual((await refusal(query, { ...valid, generation: 7 }))?.message, 'The token has been revoked.')
})

test('a stream survives a failed token check, but not two in a row', async (t: TestContext) => {
  const app: App = fastify()
  const stream = new Readable({ read() {} })
  /** Whether it was broken off by then, at each check. */
  const brokenOff: boolean[] = []
  const admit = async () => {
    brokenOff.push(stream.destroyed)
    if (brokenOff.length !== 2) throw storeUnavailable('PostgreSQL', new Error('down'))
  }
  app.decorateRequest('token')
  endResponsesWithToken(app, { checkToken: admit })
  app.get('/', () => stream)
  await app.listen({ host: '127.0.0.1', port: 0 })
  closeAfter(t, () => app.close())
  const { port } = app.server.address() as AddressInfo
  stream.push('first')
  const response = await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(30_000) })
  await t.assert.rejects(response.text())
  t.assert.deepStrictEqual(brokenOff, [false, false, false, false])
})
