import { test, type TestContext } from 'node:test'

import {
  type Client,
  ConnectionError,
  createClient,
  type ListQuery,
  type Page,
  StockroomError,
  versionOf,
} from '../src/client/client.ts'
import { openApp, password } from './support/app.ts'
import { problem, type Scripted, scripted } from './support/scripted.ts'
import { freePort } from './support/stores.ts'

const tea = { name: 'Green tea', category: 'Grocery', price_usd: 4.99, in_stock: true } as const
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

/** A client of a server with these answers. */
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

test('the client signs in, shows who that is, and signs out', async (t: TestContext) => {
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
  await client.me.remove()
  t.assert.strictEqual((await refusal(client.me.get())).status, 401)
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

test('all items are listed page by page, in the order that was asked for', async (t: TestContext) => {
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
  t.assert.deepStrictEqual((await items.summary({ category: ['Grocery'], store_manager_id: 'me' })).in_stock, 50)
  t.assert.strictEqual((await refusal(items.list({ sort: 'name', after: seen[0]?.next ?? '' }))).status, 422)
})

test('what is exported can be imported, and bad rows are named', async (t: TestContext) => {
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
  t.assert.match(await (await items.export({ safe: 'spreadsheet' })).text(), /^id,name,[^]*'=1/)
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

test('an error says everything that is wrong', async (t: TestContext) => {
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
  t.assert.match(error.message, /^The request does not fit/)
})

test('what a server refuses for a moment is sent again when it says', async (t: TestContext) => {
  const later = { 'retry-after': '0.2' }
  const client = await scriptedClient(t, problem(429, 'too_many_logins', later), problem(503, 'too_busy', later), {
    status: 200,
    body: item,
  })
  const start = performance.now()
  t.assert.deepStrictEqual(await client.items.get(id), item)
  t.assert.ok(performance.now() - start >= 400)
  t.assert.deepStrictEqual(
    client.requests.map(({ method, url }) => `${method} ${url}`),
    Array(3).fill(`GET /items/${id}`),
  )
  t.assert.strictEqual(client.requests[2]?.headers.authorization, 'Bearer kept')
})

test('it gives up after some attempts, and at once if it would have to wait too long', async (t: TestContext) => {
  const down = await scriptedClient(t, unavailable)
  const { code, attempts } = await refusal(down.items.get(id))
  t.assert.deepStrictEqual([code, attempts, down.requests.length], ['store_unavailable', 4, 4])
  const limited = await scriptedClient(t, problem(429, 'too_many_logins', { 'retry-after': '900' }))
  const error = await refusal(limited.logIn({ email: 'ada@example.com', password }))
  t.assert.deepStrictEqual([error.retryAfter, limited.requests.length], [900, 1])
  t.assert.strictEqual(limited.requests[0]?.headers.authorization, undefined)
  const date = new Date(Date.now() + 90_000).toUTCString()
  const dated = await scriptedClient(t, problem(503, 'too_busy', { 'retry-after': date }))
  t.assert.ok(Math.abs(((await refusal(dated.items.get(id))).retryAfter ?? 0) - 90) < 3)
})

test('a creation that is sent again has the key of the first time, also while that is still running', async (t: TestContext) => {
  const created = { status: 201, headers: { etag: '"1"' }, body: item }
  const client = await scriptedClient(t, 'cut', problem(409, 'idempotency_key_in_use'), unavailable, created, created)
  t.assert.strictEqual(versionOf(await client.items.create(tea)), '"1"')
  await client.items.create(tea)
  const keys = client.requests.map(({ headers }) => headers['idempotency-key'])
  t.assert.deepStrictEqual([keys.length, new Set(keys.slice(0, 4)).size, new Set(keys).size], [5, 1, 2])
  t.assert.match(String(keys[0]), /^[0-9a-f]{32}$/)
  t.assert.deepStrictEqual(new Set(client.requests.map(({ body }) => body)), new Set([JSON.stringify(tea)]))
})

test('what may have been done and must not be done twice is not sent again', async (t: TestContext) => {
  const attempts: [calls: (client: Client) => Promise<unknown>, again: boolean][] = [
    [({ items }) => items.update(id, { price_usd: 1 }), true],
    [({ items }) => items.update(id, { price_usd: 1 }, { ifMatch: '"1"' }), false],
    [({ items }) => items.import('name', { format: 'csv' }), false],
    [({ me }) => me.update({ name: 'Ada' }), false],
    [({ me }) => me.remove(), false],
  ]
  const done = { status: 200, body: item }
  for (const [call, again] of attempts) {
    for (const line of ['cut', 'cut in the answer', unavailable] as const) {
      const client = await scriptedClient(t, line, done)
      const error = await call(client).catch((reason: unknown) => reason)
      t.assert.strictEqual(client.requests.length, again ? 2 : 1)
      t.assert.strictEqual(error instanceof ConnectionError || error instanceof StockroomError, !again)
    }
    const client = await scriptedClient(t, busy, done)
    await call(client)
    t.assert.strictEqual(client.requests.length, 2)
  }
})

test('a deletion whose answer was lost is done, and one of what is not there is refused', async (t: TestContext) => {
  const missing = problem(404, 'item_not_found')
  const lost = await scriptedClient(t, 'cut', missing)
  t.assert.strictEqual(await lost.items.remove(id), undefined)
  const gone = await scriptedClient(t, missing)
  t.assert.strictEqual((await refusal(gone.items.remove(id))).status, 404)
})

test('a stream is sent once, and a function is asked for another one', async (t: TestContext) => {
  const stream = () => new Blob(['name\n']).stream()
  const done = { status: 200, body: {} }
  const once = await scriptedClient(t, busy, done)
  t.assert.strictEqual((await refusal(once.items.import(stream(), { format: 'csv' }))).code, 'too_busy')
  const again = await scriptedClient(t, busy, done)
  await again.items.import(stream, { format: 'ndjson', mode: 'upsert', dry_run: true })
  t.assert.deepStrictEqual(
    again.requests.map(({ url, headers, body }) => [url, headers['content-type'], body]),
    Array.from({ length: 2 }, () => ['/items/import?mode=upsert&dry_run=true', 'application/x-ndjson', 'name\n']),
  )
})

test('a signal ends a request, and the wait for the next attempt', async (t: TestContext) => {
  const slow = problem(503, 'too_busy', { 'retry-after': '20' })
  const { items, requests } = await scriptedClient(t, slow)
  const start = performance.now()
  await t.assert.rejects(items.get(id, { signal: AbortSignal.timeout(100) }), { name: 'TimeoutError' })
  t.assert.deepStrictEqual([requests.length, performance.now() - start < 5_000], [1, true])
  await t.assert.rejects(items.get(id, { signal: AbortSignal.abort(new Error('enough')) }), { message: 'enough' })
  t.assert.strictEqual(requests.length, 1)
})

test('what cannot be reached is a ConnectionError, and what is no problem has its status', async (t: TestContext) => {
  const baseUrl = `http://127.0.0.1:${await freePort()}`
  const nobody = createClient({ baseUrl, retries: 0 })
  await t.assert.rejects(nobody.me.get(), {
    name: 'ConnectionError',
    message: `${baseUrl} cannot be reached: ECONNREFUSED`,
  })
  const proxied = await scriptedClient(t, { status: 502, headers: { 'content-type': 'text/html' } })
  const error = await refusal(proxied.me.get())
  t.assert.deepStrictEqual(
    [error.status, error.code, error.message],
    [502, undefined, 'The answer was 502 Bad Gateway'],
  )
})
