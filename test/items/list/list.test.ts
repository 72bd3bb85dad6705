import { once } from 'node:events'
import { type ClientRequest, get, type IncomingMessage } from 'node:http'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { openSemaphore } from '../../../src/concurrency/semaphore.ts'
import { listing } from '../../../src/items/export/stream-all.ts'
import { listen, type Manager, onServer, openApp, openAppOn, type TestApp } from '../../support/app.ts'
import { closeAfter } from '../../support/cleanup.ts'
import { terminateCopies, waitsOfCopies } from '../../support/copies.ts'
import { tea } from '../../support/fixtures.ts'
import { schemaClient } from '../../support/schema-client.ts'
import { openProxy } from '../../support/stores.ts'
import { until } from '../../support/until.ts'

const reader = { me: 'me', signal: new AbortController().signal }

const awkward = [
  '\\',
  '\\N',
  '\\.',
  '\\t',
  'a\tb\nc\rd',
  'a\b\f\v',
  '"',
  "'",
  'a\u2028',
  'a\u001f\u007f',
  '🍵',
  'é',
  'é',
  '{}',
  ',',
]

test('the list is byte for byte the items, whatever their names', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const prices = [0, 0.1, 5e-324, 1.7976931348623157e308, 1e21, 1e15 + 0.5]
  for (const [n, name] of awkward.entries())
    await ada.post('/items', { ...tea, name, price_usd: prices[n % 6], in_stock: n % 2 > 0 })
  const list = await ada.get('/items')
  const ids = Object.keys(list.json())
  t.assert.strictEqual(ids.length, awkward.length)
  const single = await Promise.all(ids.map((id) => ada.get(`/items/${id}`)))
  t.assert.strictEqual(list.body, `{${single.map(({ body }, n) => `"${ids[n]}":${body.trim()}`).join(',')}}\n`)
  t.assert.deepStrictEqual(
    single.map((answer) => answer.json().name),
    awkward,
  )
  const expanded = await ada.get('/items?expand=store_manager')
  const owner = { id: ada.id, name: 'Ada Lovelace' }
  for (const item of Object.values<object>(expanded.json()))
    t.assert.deepStrictEqual(item, { ...item, store_manager: owner })
})

/** Milliseconds: fewer than the service waits for a reader that takes nothing. */
const beforeItIsDropped = 15_000

test('a slow reader stops the query, one that leaves ends it', async (t: TestContext) => {
  const app = await openFull(t)
  const answer = await download(app)
  await until(async () => (await waitsOfCopies(app)).includes('ClientWrite'))
  answer.destroy()
  await until(async () => (await waitsOfCopies(app)).length === 0, beforeItIsDropped)
  t.assert.strictEqual((await app.ada.get('/items/7')).statusCode, 422)
})

test('a list that fails halfway breaks off and never looks complete', async (t: TestContext) => {
  const app = await openFull(t)
  const answer = await download(app)
  t.assert.strictEqual(answer.statusCode, 200)
  await until(async () => (await waitsOfCopies(app)).includes('ClientWrite'))
  await terminateCopies(app)
  await t.assert.rejects(async () => {
    for await (const _ of answer);
  }, /aborted/)
  t.assert.strictEqual(answer.complete, false)
})

test('one manager has two lists at a time, and others the rest', async (t: TestContext) => {
  const app = await openFull(t)
  const bob = await app.signIn('bob@example.com')
  const slow = [await download(app), await download(app)]
  await until(async () => (await waitsOfCopies(app)).length === 2)
  const third = await app.ada.get('/items')
  t.assert.strictEqual(third.statusCode, 503)
  t.assert.strictEqual(third.json().code, 'too_busy')
  t.assert.strictEqual(third.headers['retry-after'], '2')
  t.assert.strictEqual((await app.ada.get('/items/export')).statusCode, 503)
  t.assert.strictEqual((await bob.get('/items/export')).statusCode, 200)
  t.assert.strictEqual((await app.ada.post('/items', tea)).statusCode, 201)
  for (const answer of slow) answer.destroy()
  await until(async () => (await waitsOfCopies(app)).length === 0, beforeItIsDropped)
  t.assert.strictEqual((await app.ada.get('/items')).statusCode, 200)
})

test('a list or export whose client left while it waited never runs', async (t: TestContext) => {
  const app = await openFull(t, { POSTGRES_ECHO: 'true' })
  const slow = [await download(app), await download(app)]
  await until(async () => (await waitsOfCopies(app)).length === 2)
  const lines = (pattern: RegExp) => app.log.filter((line) => pattern.test(line)).length
  const waiting = ['/items', '/items/export', '/items/export?format=ndjson'].map((path) => ask(app, path))
  await sleep(300)
  for (const request of waiting) request.destroy()
  await until(async () => lines(/"status":499/) === waiting.length)
  for (const answer of slow) answer.destroy()
  t.assert.strictEqual((await app.ada.get('/items')).statusCode, 200)
  t.assert.strictEqual(lines(/"sql":"copy/), slow.length + 1)
  t.assert.strictEqual(lines(/"level":[45]0|aborted/), 0)
})

test('a list whose reader left while waiting yields to the next', async (t: TestContext) => {
  const { context } = await openApp(t)
  const gate = openSemaphore({ permits: 1, maxQueue: 1, timeout: 60_000 })
  const permit = await gate.acquire('other')
  const left = new AbortController()
  const source = { db: context.db, pool: context.pool, gate, isBusy: () => false }
  const first = listing(source, [], { me: 'me', signal: left.signal }).toArray()
  const reason = new Error('left')
  left.abort(reason)
  await t.assert.rejects(first, reason)
  const second = listing(source, [], reader).toArray()
  permit[Symbol.dispose]()
  t.assert.strictEqual(Buffer.concat(await second).toString(), '{}\n')
})

test('a reader that takes nothing for too long is disconnected', async (t: TestContext) => {
  const app = await openFull(t)
  const { db, pool } = app.context
  const stream = listing(
    { db, pool, gate: openSemaphore({ permits: 1, maxQueue: 1, timeout: 1000 }), isBusy: () => false },
    [],
    reader,
    {
      reader: 100,
      share: 2 ** 20,
      store: 10_000,
    },
  )
  stream.read(0)
  await once(stream, 'close')
  t.assert.strictEqual(stream.readableEnded, false)
  await until(async () => (await waitsOfCopies(app)).length === 0)
})

test('a reader that takes too little is disconnected', async (t: TestContext) => {
  const app = await openFull(t)
  const { db, pool } = app.context
  const gate = openSemaphore({ permits: 1, maxQueue: 1, timeout: 1000 })
  const stream = listing({ db, pool, gate, isBusy: () => false }, [], reader, {
    reader: 300,
    share: 2 ** 20,
    store: 10_000,
  })
  const taking = setInterval(() => stream.read(), 200)
  stream.read(0)
  await once(stream, 'close')
  clearInterval(taking)
  t.assert.strictEqual(stream.readableEnded, false)
})

test('a steady reader may take as long as it likes', async (t: TestContext) => {
  const app = await openFull(t)
  const { db, pool } = app.context
  const gate = openSemaphore({ permits: 1, maxQueue: 1, timeout: 1000 })
  const timeouts = { reader: 4_000, share: 2 ** 18, store: 10_000 }
  const begun = performance.now()
  let text = ''
  for await (const chunk of listing({ db, pool, gate, isBusy: () => false }, [], reader, timeouts)) {
    text += String(chunk)
    await sleep(100)
  }
  t.assert.ok(performance.now() - begun > timeouts.reader)
  t.assert.strictEqual(Object.keys(JSON.parse(text)).length, 60_000)
})

test('a list breaks off if PostgreSQL sends nothing for too long', async (t: TestContext) => {
  const app = await openFull(t)
  const { db, pool, config } = app.context
  const holder = schemaClient(app.server, config.pool.schema)
  await holder.connect()
  closeAfter(t, () => holder.end())
  await holder.query('begin; lock table items')
  const stream = listing(
    { db, pool, gate: openSemaphore({ permits: 1, maxQueue: 1, timeout: 1000 }), isBusy: () => true },
    [],
    reader,
    {
      reader: 10_000,
      share: 2 ** 20,
      store: 200,
    },
  )
  await t.assert.rejects(stream.toArray(), { code: 'store_unavailable' })
})

test('a list breaks off if PostgreSQL stops sending halfway', async (t: TestContext) => {
  const { server, context } = await openFull(t)
  const { host, port } = server
  const proxy = await openProxy(host.startsWith('/') ? `${host}/.s.PGSQL.${port}` : port)
  closeAfter(t, () => proxy.close())
  const { db, pool } = (await openAppOn(t, { ...server, host: '127.0.0.1', port: proxy.port }, context.config)).context
  const gate = openSemaphore({ permits: 1, maxQueue: 1, timeout: 1000 })
  const timeouts = { reader: 10_000, share: 2 ** 20, store: 1_000 }
  const readAll = async () => {
    for await (const _ of listing({ db, pool, gate, isBusy: () => false }, [], reader, timeouts)) proxy.stall()
  }
  await t.assert.rejects(readAll, { code: 'store_unavailable' })
})

test('a list may outlast the statement timeout and leaves no timer', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  await ada.get('/items/7')
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const before = timers()
  t.assert.strictEqual((await ada.get('/items')).statusCode, 200)
  // The transaction of the list is committed after its end.
  await until(async () => timers() <= before, 8_000)
})

test('HEAD of the list reads no table', async (t: TestContext) => {
  const { signIn, send, log } = await openApp(t, { POSTGRES_ECHO: 'true' })
  const ada = await signIn('ada@example.com')
  log.length = 0
  const answer = await send({ method: 'HEAD', url: '/items', headers: { authorization: `Bearer ${ada.token}` } })
  t.assert.strictEqual(answer.statusCode, 200)
  t.assert.strictEqual(answer.headers['content-type'], 'application/json; charset=utf-8')
  // A list that HEAD had begun would be logged by now, too.
  t.assert.strictEqual((await ada.get('/items')).statusCode, 200)
  t.assert.strictEqual(log.filter((line) => line.includes('copy (')).length, 1)
})

interface Full extends TestApp {
  ada: Manager
  port: number
}

/** An application that listens, with more items than the buffers on the way to a client hold. */
async function openFull(t: TestContext, env: Record<string, string> = {}): Promise<Full> {
  const app = await openApp(t, env)
  const ada = await app.signIn('ada@example.com')
  await onServer(
    app.server,
    `insert into ${app.context.config.pool.schema}.items
       select gen_random_uuid(), repeat('x', 64), 'Pet', n, true, '${ada.id}' from generate_series(1, 60000) n`,
  )
  return { ...app, ada, port: await listen(app.app) }
}

/** Begins to get the list, and reads none of it. */
async function download(app: Full): Promise<IncomingMessage> {
  const [answer] = await once(ask(app, '/items'), 'response')
  return answer
}

function ask({ ada, port }: Full, path: string): ClientRequest {
  const headers = { authorization: `Bearer ${ada.token}` }
  return get({ port, path, host: '127.0.0.1', headers }).on('error', () => {})
}
