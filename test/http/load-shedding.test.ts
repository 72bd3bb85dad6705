import { once } from 'node:events'
import { connect } from 'node:net'
import { test, type TestContext } from 'node:test'

import { sql } from 'kysely'

import { openPasswords } from '../../src/auth/passwords.ts'
import { openSemaphore } from '../../src/concurrency/semaphore.ts'
import type { App } from '../../src/http/types.ts'
import { listen, openApp } from '../support/app.ts'
import { closeAfter } from '../support/cleanup.ts'
import { password, tea } from '../support/fixtures.ts'
import { until } from '../support/until.ts'

test('excess requests get 503 immediately; accepted ones are served', async (t: TestContext) => {
  const { ask, release, log, begun } = await openBusy(t, 4)
  const served = Array.from({ length: 4 }, () => ask('/items'))
  await begun(4)
  const refused = await Promise.all(Array.from({ length: 16 }, () => ask('/items')))
  for (const answer of refused) {
    t.assert.strictEqual(answer.status, 503)
    t.assert.strictEqual(((await answer.json()) as { code: string }).code, 'too_busy')
    t.assert.strictEqual(answer.headers.get('retry-after'), '1')
  }
  t.assert.strictEqual(log.filter((line) => line.includes('concurrency limit reached')).length, 1)
  release()
  for (const answer of await Promise.all(served)) t.assert.strictEqual(answer.status, 200)
  t.assert.strictEqual((await ask('/items')).status, 200)
})

test('the liveness probe responds at any load', async (t: TestContext) => {
  const { ask, release, begun } = await openBusy(t, 1)
  const served = ask('/items')
  await begun(1)
  t.assert.strictEqual((await ask('/items')).status, 503)
  const health = await ask('/healthz')
  t.assert.strictEqual(health.status, 200)
  t.assert.strictEqual(await health.text(), 'ok')
  release()
  t.assert.strictEqual((await served).status, 200)
})

test('clients with unfinished bodies take no place from others', async (t: TestContext) => {
  const { app, signIn } = await openApp(t, { LIMIT_CONCURRENCY: '2' })
  const ada = await signIn('ada@example.com')
  const port = await listen(app)
  const head = `Host: a\r\nAuthorization: Bearer ${ada.token}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`
  const slow = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const socket = connect({ host: '127.0.0.1', port })
      socket.on('error', () => {})
      await once(socket, 'connect')
      socket.write(`POST /items HTTP/1.1\r\n${head}`)
      return socket
    }),
  )
  t.assert.strictEqual((await ada.get('/items')).statusCode, 200)
  for (const socket of slow) socket.destroy()
  for (let request = 0; request < 8; request++) {
    const socket = connect({ host: '127.0.0.1', port })
    socket.write(`GET /items HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${ada.token}\r\n\r\n`)
    await once(socket, 'data')
    socket.destroy()
  }
  t.assert.strictEqual((await ada.get('/items')).statusCode, 200)
  t.assert.strictEqual((await ada.post('/items', {})).statusCode, 422)
})

test('a connection whose request was refused is read again a little later', async (t: TestContext) => {
  const { ask, release, port, token, begun } = await openBusy(t, 1)
  const served = ask('/items')
  await begun(1)
  const socket = connect({ host: '127.0.0.1', port })
  t.after(() => socket.destroy())
  const exchange = async () => {
    socket.write(`GET /items HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\n\r\n`)
    const [answer] = await once(socket, 'data')
    return Number(String(answer).split(' ')[1])
  }
  const askedAt = performance.now()
  t.assert.strictEqual(await exchange(), 503)
  release()
  t.assert.strictEqual((await served).status, 200)
  t.assert.strictEqual((await ask('/items')).status, 200)
  t.assert.strictEqual(await exchange(), 200)
  t.assert.ok(performance.now() - askedAt > 198)
})

test('bodies that end simultaneously are limited as well', async (t: TestContext) => {
  const { app, context, signIn } = await openApp(t, { LIMIT_CONCURRENCY: '2' })
  const ada = await signIn('ada@example.com')
  const port = await listen(app)
  const body = JSON.stringify(tea)
  const head = `Host: a\r\nAuthorization: Bearer ${ada.token}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`
  const sockets = Array.from({ length: 8 }, () => connect({ host: '127.0.0.1', port }))
  t.after(() => sockets.forEach((socket) => socket.destroy()))
  let heads = 0
  app.server.on('request', () => heads++)
  const answers = sockets.map(() => '')
  for (const [index, socket] of sockets.entries()) {
    socket.on('data', (text) => (answers[index] += String(text)))
    socket.write(`POST /items HTTP/1.1\r\n${head}${body.slice(0, -1)}`)
  }
  await until(() => heads === sockets.length)
  await context.db.transaction().execute(async (transaction) => {
    await sql`lock table items in share mode`.execute(transaction)
    for (const socket of sockets) socket.write('}')
    await until(() => answers.filter((answer) => answer.includes('The server is overloaded')).length === 6)
    t.assert.strictEqual(answers.filter((answer) => answer === '').length, 2)
  })
})

test('a semaphore limits its active and its waiting tasks', async (t: TestContext) => {
  const semaphore = openSemaphore({ permits: 1, maxQueue: 1, timeout: 50 })
  const release = Promise.withResolvers<void>()
  const first = semaphore.run(() => release.promise)
  const second = semaphore.run(async () => 'in time')
  await t.assert.rejects(semaphore.acquire(), { code: 'too_busy' })
  release.resolve()
  await first
  t.assert.strictEqual(await second, 'in time')
  const permit = await semaphore.acquire()
  await t.assert.rejects(semaphore.acquire(), { code: 'too_busy' })
  permit[Symbol.dispose]()
  t.assert.strictEqual(await semaphore.run(async () => 'again'), 'again')
})

test('one party gets at most its share of a semaphore and its queue', async (t: TestContext) => {
  const semaphore = openSemaphore({ permits: 4, maxQueue: 4, timeout: 50, share: 0.5 })
  const permits = [await semaphore.acquire('ada'), await semaphore.acquire('ada')]
  const waiting = [semaphore.acquire('ada'), semaphore.acquire('ada')]
  await t.assert.rejects(semaphore.acquire('ada'), { code: 'too_busy' })
  const others = [await semaphore.acquire('bob'), await semaphore.acquire('bob')]
  for (const permit of [...permits, ...permits]) permit[Symbol.dispose]()
  for (const permit of await Promise.all(waiting)) permit[Symbol.dispose]()
  for (const permit of others) permit[Symbol.dispose]()
  const all = await Promise.all(['ada', 'ada', 'bob', 'bob'].map((party) => semaphore.acquire(party)))
  await t.assert.rejects(semaphore.acquire('eve'), { code: 'too_busy' })
  for (const permit of all) permit[Symbol.dispose]()
})

test('a free permit goes to the waiting party that holds the fewest', async (t: TestContext) => {
  const semaphore = openSemaphore({ permits: 3, maxQueue: 8, timeout: 1_000 })
  const permits = [await semaphore.acquire('ada'), await semaphore.acquire('ada'), await semaphore.acquire('ada')]
  const order: string[] = []
  const wait = async (party: string) => {
    const own = await semaphore.acquire(party)
    order.push(party)
    return own
  }
  const waiting = ['ada', 'ada', 'bob', 'eve'].map(wait)
  permits[0]?.[Symbol.dispose]()
  permits[1]?.[Symbol.dispose]()
  const others = await Promise.all(waiting.slice(2))
  t.assert.deepStrictEqual(order, ['bob', 'eve'])
  for (const permit of others) permit[Symbol.dispose]()
  await Promise.all(waiting)
  t.assert.deepStrictEqual(order, ['bob', 'eve', 'ada', 'ada'])
  permits[2]?.[Symbol.dispose]()
})

test('an aborted task leaves the queue of a semaphore', async (t: TestContext) => {
  const semaphore = openSemaphore({ permits: 1, maxQueue: 1, timeout: 60_000 })
  const permit = await semaphore.acquire()
  const disconnect = new AbortController()
  const waiting = semaphore.acquire('ada', disconnect.signal)
  disconnect.abort(new Error('disconnected'))
  await t.assert.rejects(waiting, { message: 'disconnected' })
  const next = semaphore.acquire('bob')
  permit[Symbol.dispose]()
  permit[Symbol.dispose]()
  const nextPermit = await next
  await t.assert.rejects(semaphore.acquire('ada', disconnect.signal), { message: 'disconnected' })
  nextPermit[Symbol.dispose]()
})

test('work keeps its permit when its client disconnects', async (t: TestContext) => {
  const { app, ask, release, port, token, begun } = await openBusy(t, 2)
  const clients = Array.from({ length: 2 }, () => connect({ host: '127.0.0.1', port }))
  for (const client of clients) {
    client.write(`GET /items?limit=1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\n\r\n`)
  }
  await begun(2)
  for (const client of clients) client.destroy()
  await until(async () => (await connectionsOf(app)) === 0)
  t.assert.strictEqual((await ask('/items')).status, 503)
  release()
  await until(async () => (await ask('/scalar')).status === 200)
})

test('a full queue drops the newest task of the largest party', async (t: TestContext) => {
  const semaphore = openSemaphore({ permits: 1, maxQueue: 3, timeout: 1_000 })
  const permit = await semaphore.acquire('ada')
  const order: string[] = []
  const wait = async (name: string) => {
    const party = name.split(' ')[0]
    const own = await semaphore.acquire(party)
    order.push(name)
    own[Symbol.dispose]()
  }
  const waiting = Promise.allSettled(['ada 1', 'ada 2', 'ada 3', 'bob 1', 'eve 1', 'mallory 1'].map(wait))
  permit[Symbol.dispose]()
  const refused = (await waiting).map(({ status }) => status === 'rejected')
  t.assert.deepStrictEqual(refused, [false, true, true, false, false, true])
  t.assert.deepStrictEqual(order, ['bob 1', 'eve 1', 'ada 1'])
})

test('parties that hold equally many permits take turns', async (t: TestContext) => {
  const semaphore = openSemaphore({ permits: 1, maxQueue: 9, timeout: 1_000 })
  const permit = await semaphore.acquire('ada')
  const order: string[] = []
  const wait = async (party: string) => {
    const own = await semaphore.acquire(party)
    order.push(party)
    own[Symbol.dispose]()
  }
  const waiting = Promise.all(['ada', 'ada', 'ada', 'bob', 'bob', 'eve'].map(wait))
  permit[Symbol.dispose]()
  await waiting
  t.assert.deepStrictEqual(order, ['bob', 'eve', 'ada', 'bob', 'ada', 'ada'])
})

test('logins that would wait too long for a hash are refused', async (t: TestContext) => {
  const passwords = openPasswords(4)
  const hashes = await Promise.allSettled(Array.from({ length: 200 }, () => passwords.hash(password)))
  const refused = hashes.filter(({ status }) => status === 'rejected')
  t.assert.ok(refused.length > 0)
  for (const each of refused) t.assert.strictEqual(each.status === 'rejected' && each.reason.code, 'too_busy')
})

/** A service that is as busy as it may be with `limit` requests, none of which is done before `release` is called. */
async function openBusy(t: TestContext, limit: number) {
  const { app, context, signIn, log } = await openApp(t, { LIMIT_CONCURRENCY: String(limit) })
  const { token } = await signIn('ada@example.com')
  const port = await listen(app)
  const { promise, resolve } = Promise.withResolvers<Awaited<ReturnType<typeof context.revocations.findRevoked>>>()
  t.mock.method(context.revocations, 'findRevoked', () => promise)
  const release = () => resolve(new Map())
  closeAfter(t, release)
  const work = t.mock.method(context.connections, 'markActive')
  const begun = (requests: number) => until(() => work.mock.callCount() === requests)
  const ask = (path: string) =>
    fetch(`http://127.0.0.1:${port}${path}`, { headers: { authorization: `Bearer ${token}` } })
  return { app, ask, release, port, token, log, begun }
}

function connectionsOf(app: App): Promise<number> {
  return new Promise((resolve) => app.server.getConnections((_error, count) => resolve(count)))
}
