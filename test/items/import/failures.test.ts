import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { textOf } from '../../../src/items/import/body.ts'
import { header, lines } from '../../support/imports.ts'
import {
  responseOf,
  begin,
  chunk,
  isWriting,
  kill,
  manyRows,
  openListening,
  rows,
  sessions,
  spools,
  whileLocked,
} from '../../support/slow-imports.ts'
import { hasten } from '../../support/timers.ts'
import { until } from '../../support/until.ts'

const mebibyte = 2 ** 20

/** Milliseconds: fewer than the service waits for an import of which nothing comes. */
const beforeItIsGivenUp = 15_000

test('an import that is cut off imports nothing and frees its file', async (t: TestContext) => {
  const app = await openListening(t)
  const socket = await begin(t, app, { length: 10 * mebibyte })
  socket.write(rows(manyRows))
  await until(async () => spools().length === 1)
  socket.destroy()
  await until(async () => spools().length === 0, beforeItIsGivenUp)
  t.assert.deepStrictEqual(await app.stock(), [])
  t.assert.strictEqual((await app.upload(lines(header, 'a,Pet,1,true'))).status, 200)
})

test('an import holds no database connection while its client sends', async (t: TestContext) => {
  const app = await openListening(t)
  const socket = await begin(t, app, {})
  socket.write(chunk(rows(manyRows)))
  await until(async () => spools().length === 1)
  app.pids.clear()
  await sleep(200)
  t.assert.deepStrictEqual([await sessions(app), app.pids.size], [[], 0])
  socket.write('0\r\n\r\n')
  t.assert.match(await responseOf(socket), new RegExp(`^HTTP/1\\.1 200 .*"created":${manyRows},`, 's'))
  t.assert.deepStrictEqual(spools(), [])
})

test('a body without its last chunk imports nothing', async (t: TestContext) => {
  const app = await openListening(t)
  const socket = await begin(t, app, {})
  socket.write(chunk(rows(manyRows)))
  await until(async () => spools().length === 1)
  socket.end()
  await until(async () => spools().length === 0, beforeItIsGivenUp)
  t.assert.deepStrictEqual(await app.stock(), [])
})

test('a client that leaves during the write imports nothing', async (t: TestContext) => {
  const app = await openListening(t)
  await whileLocked(app, async () => {
    const body = rows(100)
    const socket = await begin(t, app, { length: body.length })
    socket.write(body)
    await isWriting(app)
    socket.destroy()
    await until(async () => (await sessions(app)).length === 0)
  })
  t.assert.deepStrictEqual(await app.stock(), [])
})

test('a PostgreSQL that ends during the write is 503 and writes nothing', async (t: TestContext) => {
  const app = await openListening(t)
  await whileLocked(app, async () => {
    const importing = app.upload(rows(100))
    await isWriting(app)
    await kill(app)
    const { status, report } = await importing
    t.assert.deepStrictEqual([status, report.code], [503, 'store_unavailable'])
  })
  t.assert.deepStrictEqual(await app.stock(), [])
  t.assert.strictEqual((await app.upload(lines(header, 'a,Pet,1,true'))).status, 200)
})

test('a manager has two imports at a time, and others have theirs', async (t: TestContext) => {
  const app = await openListening(t)
  hasten(t, 5)
  const running = [await begin(t, app, {}), await begin(t, app, {})]
  await app.isReading(2)
  const third = await begin(t, app, { length: 10 })
  const { token } = app.bob
  const others = [await begin(t, app, { token }), await begin(t, app, { token })]
  t.assert.match(await responseOf(third), /^HTTP\/1\.1 503 .*retry-after: 2\r\n.*"code":"too_busy"/s)
  running.push(...others)
  for (const socket of running) socket.write(`${chunk(rows(1))}0\r\n\r\n`)
  for (const socket of running) t.assert.match(await responseOf(socket), /^HTTP\/1\.1 200 .*"created":1,/s)
})

test('an import may take longer than other requests', async (t: TestContext) => {
  const app = await openListening(t)
  let heads = 0
  app.app.server.on('request', () => heads++)
  const socket = await begin(t, app, {})
  socket.write(chunk(lines(header)))
  const slow = await begin(t, app, { path: '/items', type: 'application/json', length: 100 })
  await until(() => heads === 2)
  Object.assign(app.app.server, { headersTimeout: 300, requestTimeout: 400 })
  for (let n = 0; n < 10; n++) {
    await sleep(150)
    socket.write(chunk(lines(`Item ${n},Pet,1,true`)))
  }
  t.assert.match(await responseOf(slow), /^HTTP\/1\.1 408 /)
  socket.write('0\r\n\r\n')
  t.assert.match(await responseOf(socket), /^HTTP\/1\.1 200 .*"created":10,/s)
  // On the same connection the time of the server counts again.
  const again = responseOf(socket)
  socket.write('GET /items HTTP/1.1\r\nHost: a\r\nX: ')
  t.assert.match(await again, /^HTTP\/1\.1 408 /)
})

test('an import that receives nothing for 30 seconds is aborted', async (t: TestContext) => {
  const app = await openListening(t)
  hasten(t, 100, 25_000)
  const socket = await begin(t, app, {})
  socket.write(chunk(lines(header)))
  t.assert.match(await responseOf(socket), /^HTTP\/1\.1 408 .*"code":"request_timeout"/s)
  await until(async () => socket.closed)
  t.assert.deepStrictEqual(await sessions(app), [])
})

test('a slow import is aborted, one that waits for the service is not', async (t: TestContext) => {
  const limits = { maxBytes: mebibyte, minRateWindow: 3_000, minBytes: 1_000, maxDuration: 60_000 }
  const send = async function* (size: number, times: number) {
    for (let n = 0; n < times; n++) {
      yield Buffer.alloc(size, 'x')
      await sleep(20)
    }
  }
  const read = (size: number, times: number, more = {}) =>
    Readable.from(textOf(Readable.from(send(size, times)), { ...limits, ...more }, new AbortController().signal))
  const late = { code: 'request_timeout' }
  const readSlowly = async () => {
    for await (const _ of read(10, 5)) await sleep(1_000)
  }
  await Promise.all([
    t.assert.rejects(read(1, 500).toArray(), late),
    t.assert.rejects(read(500, 5_000, { maxDuration: 300 }).toArray(), late),
    read(500, 200)
      .toArray()
      .then(({ length }) => t.assert.strictEqual(length, 200)),
    readSlowly(),
  ])
})

test('a body that breaks off is refused as truncated', async (t: TestContext) => {
  const limits = { maxBytes: mebibyte, minRateWindow: 60_000, minBytes: 1, maxDuration: 60_000 }
  const broken = async function* () {
    yield Buffer.from('x')
    throw new Error('aborted')
  }
  const text = textOf(Readable.from(broken()), limits, new AbortController().signal)
  await t.assert.rejects(Array.fromAsync(text), { code: 'malformed_body', message: /truncated/ })
})

test('a large chunk is read in slices that cut no character', async (t: TestContext) => {
  // The least and the greatest character of each length, among others.
  const characters = '€😀é\u0080\u07FF\u0800\uFFFD\u{10000}\u{10FFFF}ก'
  const limits = { maxBytes: mebibyte, minRateWindow: 60_000, minBytes: 1, maxDuration: 60_000 }
  for (let shift = 0; shift < Buffer.byteLength(characters); shift++) {
    const text = `${'x'.repeat(4_096 - shift)}${characters.repeat(300)}`
    const bytes = Buffer.from(text)
    const body = Readable.from([bytes.subarray(0, 4_096), bytes.subarray(4_096)])
    const pieces = await Array.fromAsync(textOf(body, limits, new AbortController().signal))
    t.assert.ok(pieces.every(({ length }) => length <= 4_096))
    t.assert.strictEqual(pieces.map(String).join(''), text)
  }
})

test('a connection whose import is in progress is not evicted', async (t: TestContext) => {
  const app = await openListening(t, { LIMIT_CONNECTIONS: '3' })
  const socket = await begin(t, app, {})
  socket.write(chunk(rows(manyRows)))
  await until(async () => spools().length === 1)
  const others = Array.from({ length: 20 }, () => connect({ host: '127.0.0.1', port: app.port }))
  t.after(() => others.forEach((other) => other.destroy()))
  others.forEach((other) => other.resume())
  await until(() => others.filter(({ closed }) => closed).length === 18)
  socket.write('0\r\n\r\n')
  t.assert.match(await responseOf(socket), new RegExp(`^HTTP/1\\.1 200 .*"created":${manyRows},`, 's'))
})

for (const [what, status, code, request] of [
  ['without a token', 401, 'missing_token', { token: '' }],
  ['of another type', 415, 'unsupported_media_type', { type: 'application/json' }],
  ['whose query is invalid', 422, 'invalid_request', { path: '/items/import?mode=x' }],
  ['that is longer than IMPORT_LIMIT', 413, 'body_too_large', { length: 2 * mebibyte }],
  ['whose rows are bad from the start', 422, 'import_failed', { start: 'x\n' }],
] as const) {
  test(`an import ${what} gets an early response`, async (t: TestContext) => {
    const app = await openListening(t, { IMPORT_LIMIT: '1' })
    hasten(t, 5)
    const socket = await begin(t, app, { length: mebibyte, ...request })
    socket.write('start' in request ? request.start : lines(header))
    const sending = setInterval(() => socket.write('x'.repeat(1_000)), 50)
    t.after(() => clearInterval(sending))
    t.assert.match(await responseOf(socket), new RegExp(`^HTTP/1\\.1 ${status} .*"code":"${code}"`, 's'))
    await until(async () => socket.closed, 20_000)
    t.assert.ok(socket.bytesWritten < mebibyte)
  })
}

test('a body of unknown length is refused beyond IMPORT_LIMIT', async (t: TestContext) => {
  const app = await openListening(t, { IMPORT_LIMIT: '1' })
  hasten(t, 5)
  const socket = await begin(t, app, {})
  socket.write(chunk(rows(60_000)))
  const answer = await responseOf(socket)
  t.assert.match(answer, /^HTTP\/1\.1 413 .*"detail":"The body is larger than 1 MiB\."/s)
  t.assert.deepStrictEqual(await app.stock(), [])
})

test('a client that sends Expect gets 100 Continue', async (t: TestContext) => {
  const app = await openListening(t)
  const body = rows(3)
  const socket = await begin(t, app, { length: body.length, more: 'Expect: 100-continue\r\n' })
  t.assert.strictEqual(await responseOf(socket), 'HTTP/1.1 100 Continue\r\n\r\n')
  socket.write(body)
  t.assert.match(await responseOf(socket), /^HTTP\/1\.1 200 .*"created":3,/s)
})

test('an ID taken during an import is reported like an existing one', async (t: TestContext) => {
  const app = await openListening(t)
  const id = '019a6f2b-7c1e-7b3a-9d5e-2f1c8e4b6a70'
  const { db } = app.context
  const item = {
    id,
    name: 'first',
    category: 'Pet',
    price_usd: 1,
    in_stock: true,
    store_manager_id: app.bob.id,
  } as const
  const importing = await db.transaction().execute(async (transaction) => {
    await transaction.insertInto('items').values(item).execute()
    const started = app.upload(lines(`id,${header}`, `${id},second,Pet,1,true`))
    await isWriting(app)
    return { started }
  })
  const { status, report } = await importing.started
  t.assert.deepStrictEqual([status, report.errors.map(({ line, type }) => [line, type])], [422, [[2, 'id_exists']]])
  t.assert.deepStrictEqual(
    (await app.stock()).map(({ name }) => name),
    ['first'],
  )
})
