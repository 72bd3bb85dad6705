import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'

import type { App } from '../../src/http/types.ts'
import { listen, openApp } from '../support/app.ts'
import { closeAfter } from '../support/cleanup.ts'
import { openSlowClients } from '../support/slow-clients.ts'
import { until } from '../support/until.ts'

/** Milliseconds. Far more than a response takes on a busy machine, far less than a slow client stays. */
const responseTimeout = 20_000

test('500 slow clients delay no other and are disconnected', async (t: TestContext) => {
  const openClients = openSlowClients(t)
  const { app } = await openApp(t)
  Object.assign(app.server, { connectionsCheckingInterval: 100 })
  const port = await listen(app)
  const clients = await openClients(port, 500)
  await servesOthers(t, port)
  Object.assign(app.server, { headersTimeout: 800, requestTimeout: 1_200 })
  await until(() => clients.every(({ closed }) => closed))
})

test('headers may take 10 seconds to arrive and a request 30', async (t: TestContext) => {
  const { app } = await openApp(t)
  const { headersTimeout, requestTimeout, connectionsCheckingInterval } = app.server as unknown as Record<
    string,
    number
  >
  t.assert.deepStrictEqual([headersTimeout, requestTimeout, connectionsCheckingInterval], [10_000, 30_000, 1_000])
})

test('500 endless clients hold at most LIMIT_CONNECTIONS', async (t: TestContext) => {
  const openClients = openSlowClients(t)
  const { app } = await openApp(t, { LIMIT_CONNECTIONS: '50' })
  const port = await listen(app)
  await openClients(port, 500)
  await servesOthers(t, port)
  t.assert.ok((await count(app)) <= 51)
})

test('a connection that was reset in the accept queue is closed unserved', async (t: TestContext) => {
  const { app } = await openApp(t)
  const port = await listen(app)
  const served: (string | undefined)[] = []
  app.server.on('request', ({ url }: IncomingMessage) => served.push(url))
  // This process cannot accept while it waits for the other one.
  const { status, stderr } = spawnSync(process.execPath, ['--eval', resetConnections, String(port)])
  t.assert.strictEqual(status, 0, stderr.toString())
  await servesOthers(t, port)
  t.assert.ok(!served.includes('/openapi.json'))
  await until(async () => (await count(app)) === 0)
})

const resetConnections = `
  for (let count = 0; count < 20; count++) {
    const socket = require('node:net').connect(Number(process.argv[1]), '127.0.0.1', () => {
      socket.write('GET /openapi.json HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n', () => socket.resetAndDestroy())
    })
  }`

test('a connection whose request is in progress is not evicted', async (t: TestContext) => {
  const openClients = openSlowClients(t)
  const { app, context, signIn } = await openApp(t, { LIMIT_CONNECTIONS: '4' })
  const { token } = await signIn('ada@example.com')
  const port = await listen(app)
  const { promise, resolve } = Promise.withResolvers<Awaited<ReturnType<typeof context.revocations.findRevoked>>>()
  t.mock.method(context.revocations, 'findRevoked', () => promise)
  const release = () => resolve(new Map())
  closeAfter(t, release)
  const ask = () => fetch(`http://127.0.0.1:${port}/items`, { headers: { authorization: `Bearer ${token}` } })
  const begun = t.mock.method(context.connections, 'markActive')
  const activeRequests = [ask(), ask(), ask()]
  await until(() => begun.mock.callCount() === 3)
  const clients = await openClients(port, 20)
  await until(() => clients.filter(({ closed }) => closed).length === 19)
  t.assert.strictEqual(await count(app), 4)
  release()
  for (const answer of await Promise.all(activeRequests)) t.assert.strictEqual(answer.status, 200)
})

test('a client that disconnected during its request is not evicted for another', async (t: TestContext) => {
  const { app, context } = await openApp(t, { LIMIT_CONNECTIONS: '2' })
  const port = await listen(app)
  const { promise, resolve } = Promise.withResolvers<'ready'>()
  const check = t.mock.method(context.readiness, 'check', () => promise)
  const ended = t.mock.method(context.connections, 'markIdle')
  const gone = await connected(t, port)
  gone.write('GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n')
  await until(() => check.mock.callCount() === 1)
  gone.destroy()
  await until(async () => (await count(app)) === 0)
  resolve('ready')
  await until(() => ended.mock.callCount() === 1)
  const first = await connected(t, port)
  await connected(t, port)
  const last = await connected(t, port)
  await once(first.resume(), 'close')
  t.assert.strictEqual(last.closed, false)
  t.assert.strictEqual(await count(app), 2)
})

test('a client that sends invalid HTTP and stays is disconnected', async (t: TestContext) => {
  const { app } = await openApp(t)
  Object.assign(app.server, { connectionsCheckingInterval: 100 })
  const socket = connect({ host: '127.0.0.1', port: await listen(app), allowHalfOpen: true })
  t.after(() => socket.destroy())
  socket.resume().write('nonsense\r\n\r\n')
  await once(socket, 'end')
  await until(async () => (await count(app)) === 0)
})

async function connected(t: TestContext, port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port })
  t.after(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

async function servesOthers(t: TestContext, port: number): Promise<void> {
  for (let request = 0; request < 20; request++) {
    const signal = AbortSignal.timeout(responseTimeout)
    const { status } = await fetch(`http://127.0.0.1:${port}/items`, { headers: { connection: 'close' }, signal })
    t.assert.strictEqual(status, 401)
  }
}

function count(app: App): Promise<number> {
  return new Promise((resolve) => app.server.getConnections((_error, number) => resolve(number)))
}
