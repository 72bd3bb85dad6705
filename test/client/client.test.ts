import { test, type TestContext } from 'node:test'

import {
  type BulkRequest,
  type Client,
  ConnectionError,
  createClient,
  type ListQuery,
  type Page,
  StockroomError,
  UnexpectedResponseError,
  versionOf,
} from '../../src/client/client.ts'
import { issueResetCode } from '../../src/store-managers/password-reset.ts'
import { openApp } from '../support/app.ts'
import { password, tea } from '../support/fixtures.ts'
import { type Line, problem, type Scripted, scripted } from '../support/scripted.ts'
import { freePort } from '../support/stores.ts'
import { until } from '../support/until.ts'

const id = '019a6f2b-7c1e-7b3a-9d5e-2f1c8e4b6a70'
const item = { id, ...tea, store_manager_id: id }
const unavailable = problem(503, 'store_unavailable', { 'retry-after': '0' })
const busy = problem(503, 'too_busy', { 'retry-after': '0' })

/** A client of a real service. */
async function openClient(t: TestContext, env: Record<string, string> = {}): Promise<Client> {
  const { app } = await openApp(t, env)
  const client = createClient({ baseUrl: await app.listen({ port: 0, host: '127.0.0.1' }) })
  await client.register({ name: 'Ada Lovelace', email: 'ada@example.com', password })
  await client.logIn({ email: 'ada@example.com', password })
  return client
}

/** A client of a server with these responses. */
async function scriptedClient(t: TestContext, ...lines: Parameters<typeof scripted>[1]): Promise<Client & Scripted> {
  const server = await scripted(t, lines)
  return Object.assign(createClient({ baseUrl: server.url, token: 'kept' }), server)
}

/** What `promise` is rejected with. */
async function refusal(promise: Promise<unknown>): Promise<StockroomError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof StockroomError) return error
  throw new Error('it was not refused', { cause: error })
}

test('the client signs in, shows its manager, and signs out', async (t: TestContext) => {
  const client = await openClient(t)
  t.assert.deepStrictEqual({ ...(await client.me.get()), id }, { id, name: 'Ada Lovelace', email: 'ada@example.com' })
  t.assert.strictEqual((await client.me.update({ name: 'Ada King' })).name, 'Ada King')
  const other = createClient({ baseUrl: client.baseUrl, token: client.token })
  await client.logOut()
  t.assert.strictEqual(client.token, undefined)
  const { status, code, requestId } = await refusal(client.me.get())
  t.assert.deepStrictEqual([status, code], [401, 'missing_token'])
  t.assert.match(requestId ?? '', /^[\w-]{36}$/)
  t.assert.strictEqual((await refusal(other.me.get())).code, 'invalid_token')
  await other.logOut()
  t.assert.strictEqual(other.token, undefined)
  t.assert.strictEqual(
    (await refusal(client.logIn({ email: 'ada@example.com', password: 'wrong' }))).code,
    'invalid_credentials',
  )
  await client.logIn({ email: 'ada@example.com', password })
  await client.me.remove({ current_password: password })
  t.assert.strictEqual((await refusal(client.me.get())).status, 401)
})

test('the client sets a new password with a reset code, once', async (t: TestContext) => {
  const { app, context, signIn } = await openApp(t)
  const { id: manager, email } = await signIn('ada@example.com')
  const client = createClient({ baseUrl: await app.listen({ port: 0, host: '127.0.0.1' }) })
  const { code = '' } = (await issueResetCode(context.db, manager)) ?? {}
  const reset = { code, password: 'a horse of another color' }
  t.assert.deepStrictEqual(await client.resetPassword(reset), { id: manager, name: 'Ada Lovelace', email })
  t.assert.strictEqual((await refusal(client.resetPassword(reset))).code, 'invalid_reset_code')
  await client.logIn({ email, password: reset.password })
  t.assert.strictEqual((await client.me.get()).id, manager)
})

test('an item is created, read, changed by its version, and deleted', async (t: TestContext) => {
  const { items } = await openClient(t)
  const created = await items.create(tea)
  t.assert.deepStrictEqual(created, { ...item, id: created.id, store_manager_id: created.store_manager_id })
  t.assert.strictEqual((await items.get(created.id, { expand: 'store_manager' })).store_manager?.name, 'Ada Lovelace')
  const changed = await items.update(created.id, { price_usd: 5.49 }, { ifMatch: versionOf(created) })
  t.assert.deepStrictEqual([changed.price_usd, versionOf(created), versionOf(changed)], [5.49, '"1"', '"2"'])
  const late = await refusal(items.update(created.id, { price_usd: 1 }, { ifMatch: versionOf(created) }))
  t.assert.deepStrictEqual([late.code, late.problem?.current?.price_usd], ['precondition_failed', 5.49])
  await items.remove(created.id, { ifMatch: versionOf(changed) })
  t.assert.strictEqual((await refusal(items.get(created.id))).code, 'item_not_found')
  t.assert.strictEqual((await refusal(items.remove(created.id))).status, 404)
})

test('the client lists all items page by page, in the requested order', async (t: TestContext) => {
  const { items } = await openClient(t)
  const rows = Array.from({ length: 2_100 }, (_, at) => `Item ${at},${at < 2_050 ? 'Pet' : 'Grocery'},${at},true\n`)
  const file = `name,category,price_usd,in_stock\n${rows.join('')}`
  t.assert.strictEqual((await items.import(file, { format: 'csv' })).created, 2_100)
  const prices = Array.from({ length: 2_050 }, (_, at) => 2_049 - at)
  const query = { category: ['Pet'], sort: '-price_usd' } as const satisfies ListQuery

  const seen: Page[] = []
  for await (const page of items.pages({ ...query, count: 'exact' })) seen.push(page)
  t.assert.deepStrictEqual(
    seen.map(({ items: { length }, next, total }) => [length, next === undefined, total]),
    [
      [1_000, false, 2_050],
      [1_000, false, 2_050],
      [50, true, 2_050],
    ],
  )
  t.assert.deepStrictEqual(
    seen.flatMap((page) => page.items.map(({ price_usd }) => price_usd)),
    prices,
  )
  const second = await items.list({ ...query, limit: 3, after: seen[0]?.next ?? '' })
  t.assert.deepStrictEqual(
    [second.items.map(({ price_usd }) => price_usd), second.total],
    [[1_049, 1_048, 1_047], undefined],
  )
  t.assert.strictEqual((await items.list()).items.length, 100)

  const some: number[] = []
  for await (const { price_usd } of items.each({ ...query, limit: 2 })) if (some.push(price_usd) === 5) break
  t.assert.deepStrictEqual(some, prices.slice(0, 5))
  t.assert.deepStrictEqual(
    (await items.all(query)).map(({ price_usd }) => price_usd),
    prices,
  )
  const whole = await items.all({ expand: 'store_manager' })
  t.assert.deepStrictEqual([whole.length, whole[0]?.store_manager?.name], [2_100, 'Ada Lovelace'])
  const [latest] = (await items.list({ sort: '-updated_at', limit: 1, expand: ['version', 'dates'] })).items
  t.assert.deepStrictEqual([latest?.version, latest && versionOf(latest)], [1, '"1"'])
  t.assert.ok(Date.parse(latest?.updated_at ?? '') > 0)
  t.assert.deepStrictEqual((await items.summary({ category: ['Grocery'], store_manager_id: 'me' })).in_stock, 50)
  t.assert.strictEqual((await refusal(items.list({ sort: 'name', after: seen[0]?.next ?? '' }))).status, 422)
})

test('an export can be imported, and bad rows are named', async (t: TestContext) => {
  const { items } = await openClient(t)
  await items.create(tea)
  await items.create({ ...tea, name: '=1', category: 'Pet' })
  const answer = await items.export({ format: 'ndjson', category: ['Grocery'] })
  t.assert.match(
    answer.headers.get('content-disposition') ?? '',
    /^attachment; filename="items-\d{4}-\d\d-\d\d\.ndjson"$/,
  )
  const text = await answer.text()
  t.assert.strictEqual(JSON.parse(text).name, tea.name)
  t.assert.match(await (await items.export({ safe: 'spreadsheet' })).text(), /^"id","name",[^]*"'=1"/)
  const upsert = { format: 'ndjson', mode: 'upsert' } as const
  t.assert.strictEqual((await items.import(text, upsert)).unchanged, 1)
  t.assert.strictEqual((await items.import(new Blob([text.replace('4.99', '5')]).stream(), upsert)).updated, 1)
  const bad = await refusal(items.import(() => new Blob(['{"name":""}\n']), { format: 'ndjson' }))
  t.assert.deepStrictEqual([bad.status, bad.code, bad.problem?.failed], [422, 'import_failed', 1])
  t.assert.deepStrictEqual(
    bad.errors.find((each) => 'column' in each && each.column === 'name'),
    {
      line: 1,
      column: 'name',
      type: 'string_too_short',
      msg: 'must have at least 1 character',
    },
  )
})

test('an error of the client lists every problem', async (t: TestContext) => {
  const { items } = await openClient(t)
  const error = await refusal(items.create({ ...tea, name: '', price_usd: -1 }))
  t.assert.deepStrictEqual(
    [error.name, error.status, error.code, error.attempts],
    ['StockroomError', 422, 'invalid_request', 1],
  )
  t.assert.deepStrictEqual(
    error.errors.map(({ msg }) => msg),
    ['must have at least 1 character', 'must be at least 0'],
  )
  t.assert.match(error.message, /^Invalid request/)
})

test('a refused request is retried after its Retry-After', async (t: TestContext) => {
  const later = { 'retry-after': '0.2' }
  const client = await scriptedClient(t, problem(429, 'too_many_logins', later), problem(503, 'too_busy', later), {
    status: 200,
    body: item,
  })
  const start = performance.now()
  t.assert.deepStrictEqual(await client.items.get(id), item)
  t.assert.ok(performance.now() - start > 396)
  t.assert.deepStrictEqual(
    client.requests.map(({ method, url }) => `${method} ${url}`),
    Array(3).fill(`GET /items/${id}`),
  )
  t.assert.strictEqual(client.requests[2]?.headers.authorization, 'Bearer kept')
})

test('the client stops after some attempts, or if a wait would be too long', async (t: TestContext) => {
  const down = await scriptedClient(t, unavailable)
  const { code, attempts } = await refusal(down.items.get(id))
  t.assert.deepStrictEqual([code, attempts, down.requests.length], ['store_unavailable', 4, 4])
  const limited = await scriptedClient(t, problem(429, 'too_many_logins', { 'retry-after': '900' }))
  const error = await refusal(limited.logIn({ email: 'ada@example.com', password }))
  t.assert.deepStrictEqual([error.retryAfter, limited.requests.length], [900, 1])
  t.assert.strictEqual(limited.requests[0]?.headers.authorization, undefined)
  const date = new Date(Date.now() + 90_000).toUTCString()
  const dated = await scriptedClient(t, problem(503, 'too_busy', { 'retry-after': date }))
  const { retryAfter = 0 } = await refusal(dated.items.get(id))
  t.assert.ok(retryAfter > 60 && retryAfter <= 90, String(retryAfter))
})

test('a retried creation sends the same Idempotency-Key', async (t: TestContext) => {
  const created = { status: 201, headers: { etag: '"1"' }, body: item }
  const client = await scriptedClient(t, 'cut', problem(409, 'idempotency_key_in_use'), unavailable, created, created)
  t.assert.strictEqual(versionOf(await client.items.create(tea)), '"1"')
  await client.items.create(tea)
  const keys = client.requests.map(({ headers }) => headers['idempotency-key'])
  t.assert.deepStrictEqual([keys.length, new Set(keys.slice(0, 4)).size, new Set(keys).size], [5, 1, 2])
  t.assert.match(String(keys[0]), /^[0-9a-f]{32}$/)
  t.assert.deepStrictEqual(new Set(client.requests.map(({ body }) => body)), new Set([JSON.stringify(tea)]))
})

const report = { mode: 'create', dry_run: false, created: 1, updated: 0, unchanged: 0, failed: 0, errors: [] }
const bulkReport = { dry_run: false, matched: 0, changed: 0, unchanged: 0, not_owned: 0, not_found: 0, changes: [] }
const deletion: BulkRequest = { select: { ids: [id] }, change: 'delete' }
const manager = { id, name: 'Ada', email: 'ada@example.com' }
const page = { status: 200, headers: { link: '</items>; rel="first"' }, body: { [id]: item } }
const issued = { access_token: 'e.y.J', token_type: 'jwt', expires_in: 86_400 }

/** Each method, the response that it expects, and whether it is sent again after its response was lost. */
const methods: [name: string, call: (client: Client) => Promise<unknown>, done: Line, again: boolean][] = [
  ['register', (client) => client.register({ ...manager, password }), { status: 201, body: manager }, true],
  ['logIn', (client) => client.logIn({ email: manager.email, password }), { status: 200, body: issued }, true],
  ['logOut', (client) => client.logOut(), { status: 200, body: { message: 'done' } }, true],
  ['me.get', ({ me }) => me.get(), { status: 200, body: manager }, true],
  ['me.update', ({ me }) => me.update({ name: 'Ada' }), { status: 200, body: manager }, false],
  ['me.remove', ({ me }) => me.remove({ current_password: password }), { status: 204 }, false],
  ['list', ({ items }) => items.list(), page, true],
  ['all', ({ items }) => items.all(), { status: 200, body: { [id]: item } }, true],
  ['get', ({ items }) => items.get(id), { status: 200, body: item }, true],
  ['create', ({ items }) => items.create(tea), { status: 201, body: item }, true],
  ['update', ({ items }) => items.update(id, { price_usd: 1 }), { status: 200, body: item }, false],
  ['update *', ({ items }) => items.update(id, {}, { ifMatch: '*' }), { status: 200, body: item }, false],
  ['update of two', ({ items }) => items.update(id, {}, { ifMatch: '"1", "3"' }), { status: 200, body: item }, false],
  ['update of one', ({ items }) => items.update(id, {}, { ifMatch: '"1"' }), { status: 200, body: item }, true],
  ['remove', ({ items }) => items.remove(id), { status: 204 }, true],
  ['summary', ({ items }) => items.summary(), { status: 200, body: { items: 0, in_stock: 0, value_usd: 0 } }, true],
  ['export', ({ items }) => items.export(), { status: 200, headers: { 'content-type': 'text/csv' } }, true],
  ['bulk', ({ items }) => items.bulk(deletion), { status: 200, body: bulkReport }, true],
  ['bulk, dry', ({ items }) => items.bulk(deletion, { dryRun: true }), { status: 200, body: bulkReport }, true],
  ['import', ({ items }) => items.import('name', { format: 'csv' }), { status: 200, body: report }, true],
  [
    'import, dry',
    ({ items }) => items.import('name', { format: 'csv', dry_run: true }),
    { status: 200, body: report },
    true,
  ],
]

for (const [name, call, done, again] of methods) {
  test(`${name} is ${again ? '' : 'not '}retried when its response is lost`, async (t: TestContext) => {
    for (const line of ['cut', unavailable] as const) {
      const client = await scriptedClient(t, line, done)
      const error = await call(client).catch((reason: unknown) => reason)
      t.assert.strictEqual(client.requests.length, again ? 2 : 1)
      t.assert.strictEqual(error instanceof ConnectionError || error instanceof StockroomError, !again)
    }
    const client = await scriptedClient(t, busy, done)
    await call(client)
    t.assert.strictEqual(client.requests.length, 2)
  })

  test(`${name} accepts nothing but what Stockroom sends`, async (t: TestContext) => {
    const html = { 'content-type': 'text/html; charset=utf-8' }
    const portal = { status: 200, headers: html, body: '<!doctype html>' }
    const others: Line[] = [portal, { ...portal, status: 201 }, { status: 200, body: [] }, { status: 202, body: item }]
    // JSON of another service, where JSON is expected.
    if (name !== 'export') others.push({ status: 200, body: { ok: true } }, { status: 200, body: '{"cut' })
    for (const line of others) {
      const client = await scriptedClient(t, line)
      await t.assert.rejects(call(client), (error: Error) => {
        t.assert.ok(error instanceof UnexpectedResponseError, `${JSON.stringify(line)}: ${error.stack}`)
        t.assert.match(error.message, /^The address does not respond like Stockroom: /)
        return true
      })
      t.assert.strictEqual(client.requests.length, 1)
      t.assert.strictEqual(client.token, 'kept')
    }
  })

  test(`${name} follows no redirect and names its target`, async (t: TestContext) => {
    const other = await scripted(t, [done])
    for (const status of [300, 301, 302, 303, 304, 307, 308]) {
      const client = await scriptedClient(t, { status, headers: { location: `${other.url}/login?back=x#y` } })
      await t.assert.rejects(call(client), {
        name: 'UnexpectedResponseError',
        message: new RegExp(`${other.url}/login\\. `),
      })
      t.assert.strictEqual(client.requests.length, 1)
    }
    t.assert.strictEqual(other.requests.length, 0)
  })
}

test('a fetch function that follows redirects is detected', async (t: TestContext) => {
  const target = await scripted(t, [{ status: 200, body: item }])
  const source = await scripted(t, [{ status: 307, headers: { location: `${target.url}/items/7` } }])
  const follow: typeof fetch = (input, init) => fetch(input, { ...init, redirect: 'follow' })
  const { items } = createClient({ baseUrl: source.url, fetch: follow })
  await t.assert.rejects(items.get(id), { name: 'UnexpectedResponseError', message: new RegExp(target.url) })
})

test('any request to an unreachable service is retried', async (t: TestContext) => {
  const baseUrl = `http://127.0.0.1:${await freePort()}`
  let attempts = 0
  const counting: typeof fetch = (input, init) => fetch(input, init).finally(() => attempts++)
  const { items } = createClient({ baseUrl, fetch: counting, retries: 1 })
  await t.assert.rejects(items.update(id, { price_usd: 1 }), { name: 'ConnectionError', isMaybeDone: false })
  t.assert.strictEqual(attempts, 2)
})

test('a retried change does not overwrite a later one', async (t: TestContext) => {
  const changed = { ...item, price_usd: 1 }
  const failed = problem(412, 'precondition_failed')
  const failure = (current: object) => ({
    ...(failed as { status: 412; body: object }),
    body: { ...(failed as { body: object }).body, current },
  })
  const other = await scriptedClient(t, 'cut', failure({ ...item, price_usd: 9 }))
  const { code, attempts } = await refusal(other.items.update(id, { price_usd: 1 }, { ifMatch: '"1"' }))
  t.assert.deepStrictEqual([code, attempts], ['precondition_failed', 2])
  const own = await scriptedClient(t, 'cut', failure(changed), {
    status: 200,
    headers: { etag: 'W/"2"' },
    body: changed,
  })
  const now = await own.items.update(id, { price_usd: 1 }, { ifMatch: '"1"' })
  t.assert.deepStrictEqual([now, versionOf(now)], [changed, '"2"'])
  const late = await scriptedClient(t, failure(changed))
  t.assert.strictEqual((await refusal(late.items.update(id, { price_usd: 1 }, { ifMatch: '"1"' }))).attempts, 1)
})

test('a retried deletion succeeds, that of a missing item fails', async (t: TestContext) => {
  const missing = problem(404, 'item_not_found')
  const lost = await scriptedClient(t, 'cut', missing)
  t.assert.strictEqual(await lost.items.remove(id), undefined)
  for (const earlier of [[], [unavailable], [busy], [problem(429, 'too_many_logins', { 'retry-after': '0' })]]) {
    const gone = await scriptedClient(t, ...earlier, missing)
    t.assert.deepStrictEqual((await refusal(gone.items.remove(id))).attempts, earlier.length + 1)
  }
})

test('a logout everywhere with a token that has ended fails', async (t: TestContext) => {
  const ended = problem(401, 'invalid_token')
  const one = await scriptedClient(t, ended)
  await one.logOut()
  t.assert.strictEqual(one.token, undefined)
  const all = await scriptedClient(t, ended)
  t.assert.strictEqual((await refusal(all.logOut({ everywhere: true }))).code, 'invalid_token')
  t.assert.strictEqual(all.token, 'kept')
  const lost = await scriptedClient(t, 'cut', ended)
  await lost.logOut({ everywhere: true })
})

test('If-Match works behind a proxy that weakens the ETag', async (t: TestContext) => {
  const hash = 'h'.repeat(43)
  const tags = {
    'W/"7"': '"7"',
    '"7-gzip"': '"7"',
    '"7--gzip"': '"7"',
    [`W/"7-${hash}-br"`]: `"7-${hash}"`,
    '"x"': '"x"',
  }
  for (const [etag, version] of Object.entries(tags)) {
    const { items } = await scriptedClient(t, { status: 200, headers: { etag }, body: item })
    t.assert.strictEqual(versionOf(await items.get(id)), version)
  }
})

test('malformed addresses and tokens are refused and not quoted', (t: TestContext) => {
  for (const baseUrl of [
    'http://ada:s3cret@localhost',
    'http://h/?s3cret',
    'http://h/#s3cret',
    new URL('//s3cret@h', 'http://h'),
  ]) {
    t.assert.throws(
      () => createClient({ baseUrl }),
      (error: Error) => error.name === 'TypeError' && !/s3cret/.test(error.message),
    )
  }
  for (const token of ['s3cret\n', 's3cret s3cret', '', 's3crét']) {
    t.assert.throws(
      () => createClient({ baseUrl: '', token }),
      (error: Error) => !/s3cret/.test(error.message),
    )
  }
  t.assert.strictEqual(createClient({ baseUrl: 'http://h/a@b/' }).baseUrl, 'http://h/a@b')
})

test('an export ends with its signal and releases it when read', async (t: TestContext) => {
  const { items } = await scriptedClient(t, { status: 200, headers: { 'content-type': 'text/csv' }, body: 'id,name' })
  const { signal, abort, listeners } = countedSignal()
  t.assert.strictEqual(await (await items.export({}, { signal })).text(), 'id,name')
  await until(() => listeners() === 0)
  const stopped = await items.export({}, { signal })
  abort()
  await t.assert.rejects(stopped.text(), { name: 'AbortError' })
})

test('a long-lived signal retains nothing of finished calls', async (t: TestContext) => {
  const server = await scripted(t, [{ status: 200, body: item }])
  const { signal, listeners } = countedSignal()
  const { items } = createClient({ baseUrl: server.url, signal })
  await items.get(id, { signal })
  await t.assert.rejects(items.remove(id, { signal }))
  t.assert.strictEqual(listeners(), 0)
})

test('a retried import asks its function for another stream', async (t: TestContext) => {
  const stream = () => new Blob(['name\n']).stream()
  const done = { status: 200, body: report }
  const once = await scriptedClient(t, busy, done)
  t.assert.strictEqual((await refusal(once.items.import(stream(), { format: 'csv' }))).code, 'too_busy')
  const again = await scriptedClient(t, busy, done)
  await again.items.import(stream, { format: 'ndjson', mode: 'upsert', dry_run: true })
  t.assert.deepStrictEqual(
    again.requests.map(({ url, headers, body }) => [url, headers['content-type'], body]),
    Array.from({ length: 2 }, () => ['/items/import?mode=upsert&dry_run=true', 'application/x-ndjson', 'name\n']),
  )
})

test('a signal aborts a request and the wait for a retry', async (t: TestContext) => {
  const slow = problem(503, 'too_busy', { 'retry-after': '20' })
  const { url, requests } = await scripted(t, [slow])
  let attempts = 0
  const counting: typeof fetch = (input, init) => fetch(input, init).finally(() => attempts++)
  const { items } = createClient({ baseUrl: url, token: 'kept', fetch: counting })
  const tired = new AbortController()
  const waiting = items.get(id, { signal: tired.signal })
  waiting.catch(() => {})
  await until(() => attempts === 1)
  tired.abort(new Error('tired'))
  await t.assert.rejects(waiting, { message: 'tired' })
  t.assert.strictEqual(attempts, 1)
  await t.assert.rejects(items.get(id, { signal: AbortSignal.abort(new Error('enough')) }), { message: 'enough' })
  t.assert.strictEqual(requests.length, 1)
})

test('ConnectionError means unreachable; other errors have a status', async (t: TestContext) => {
  const baseUrl = `http://127.0.0.1:${await freePort()}`
  const anonymous = createClient({ baseUrl, retries: 0 })
  await t.assert.rejects(anonymous.me.get(), {
    name: 'ConnectionError',
    message: `${baseUrl} cannot be reached: ECONNREFUSED`,
  })
  const proxied = await scriptedClient(t, { status: 502, headers: { 'content-type': 'text/html' } })
  const error = await refusal(proxied.me.get())
  t.assert.deepStrictEqual(
    [error.status, error.code, error.message],
    [502, undefined, 'The response was 502 Bad Gateway'],
  )
})

/** A signal of which the listeners are counted. */
function countedSignal() {
  const controller = new AbortController()
  const { signal } = controller
  let count = 0
  const add = signal.addEventListener.bind(signal)
  const remove = signal.removeEventListener.bind(signal)
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    count++
    add(...args)
  }
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    count--
    remove(...args)
  }
  return { signal, abort: () => controller.abort(), listeners: () => count }
}

test('the client reads the history page by page', async (t: TestContext) => {
  const { items, changes } = await openClient(t)
  const { id: changed } = await items.create(tea)
  await items.update(changed, { price_usd: 5.49 })
  await items.remove(changed)
  const first = await changes.list({ item: changed, limit: 2 })
  const second = await changes.list({ item: changed, limit: 2, ...(first.next !== undefined && { after: first.next }) })
  const sets = [...first.entries, ...second.entries]
  t.assert.deepStrictEqual(
    sets.map(({ kind }) => kind),
    ['delete', 'update', 'create'],
  )
  t.assert.strictEqual(second.next, undefined)
  const updated = sets[1]?.id ?? ''
  t.assert.deepStrictEqual(await changes.get(updated), sets[1])
  t.assert.deepStrictEqual((await changes.items(updated)).entries[0]?.fields, { price_usd: [4.99, 5.49] })
  t.assert.deepStrictEqual(
    (await changes.ofItem(changed)).entries.map(({ version, change }) => [version, change.id]),
    sets.map(({ id: set }, index) => [3 - index, set]),
  )
  t.assert.strictEqual((await refusal(changes.get(id))).code, 'change_not_found')
})

test('the client undoes a change set', async (t: TestContext) => {
  const { items, changes } = await openClient(t)
  const { id: changed } = await items.create(tea)
  await items.update(changed, { price_usd: 5.49 })
  const set = (await changes.list({ limit: 1 })).entries[0]?.id ?? ''
  const tried = await changes.undo(set, { dryRun: true })
  t.assert.deepStrictEqual([tried.change, tried.changes[0]?.fields], [null, { price_usd: [5.49, 4.99] }])
  const { change } = await changes.undo(set)
  t.assert.strictEqual((await changes.get(set)).undone_by, change?.id)
  const conflict = await refusal(changes.undo(set))
  t.assert.deepStrictEqual([conflict.code, conflict.problem?.conflicting], ['undo_conflict', 1])
  t.assert.deepStrictEqual(
    conflict.problem?.conflicts?.map(({ reason, current }) => [reason, current?.version]),
    [['changed', 3]],
  )
  t.assert.strictEqual((await changes.undo(set, { onConflict: 'skip' })).conflicting, 1)
})

test('writes of many items are repeated with their key', async (t: TestContext) => {
  const undone = { dry_run: false, change: null, conflicting: 0, changes: [] }
  const writes: [(client: Client, key?: string) => Promise<unknown>, object][] = [
    [({ changes }, key) => changes.undo(id, { key }), undone],
    [({ items }, key) => items.bulk(deletion, { key }), bulkReport],
    [({ items }, key) => items.import('name', { format: 'csv', key }), report],
  ]
  for (const [write, body] of writes) {
    const client = await scriptedClient(t, 'cut', unavailable, { status: 200, body }, { status: 200, body })
    t.assert.deepStrictEqual(await write(client), body)
    await write(client, 'mine')
    const keys = client.requests.map(({ headers }) => String(headers['idempotency-key']))
    t.assert.deepStrictEqual([new Set(keys.slice(0, 3)).size, keys[3]], [1, 'mine'])
    t.assert.match(keys[0] ?? '', /^[0-9a-f]{32}$/)
  }
})

test('the client changes items in bulk, and previews that', async (t: TestContext) => {
  const { items } = await openClient(t)
  const { id: leash } = await items.create({ ...tea, name: 'Leash', price_usd: 2.75 })
  const request = { select: { filters: { category: [tea.category] } }, change: { price: { percent: 10, round: 0.01 } } }
  const preview = await items.bulk(request, { dryRun: true })
  t.assert.deepStrictEqual([preview.matched, preview.change], [1, null])
  const done = await items.bulk({ ...request, expect: { matched: 1 } })
  t.assert.deepStrictEqual(done.changes, preview.changes)
  t.assert.deepStrictEqual((await items.get(leash)).price_usd, 3.03)
  const failed = await refusal(items.bulk({ select: { ids: [leash] }, change: { price: { add: -4 } } }))
  t.assert.deepStrictEqual([failed.code, failed.problem?.failed], ['bulk_failed', 1])
  t.assert.strictEqual((await items.bulk({ select: { ids: [leash] }, change: 'delete' })).change?.deleted, 1)
})
