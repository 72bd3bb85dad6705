import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { openConnections } from '../../src/http/connections.ts'
import type { ReadLimits } from '../../src/http/slow-readers.ts'
import { listen, openApp } from '../support/app.ts'
import { closeAfter } from '../support/cleanup.ts'
import { until } from '../support/until.ts'

const mebibyte = 2 ** 20

test('clients that do not read their responses hold no permit', async (t: TestContext) => {
  const { app } = await openApp(t, { LIMIT_CONCURRENCY: '5' })
  const port = await listen(app)
  for (let client = 0; client < 20; client++) await once(await ask(t, port, '/scalar/scalar.js'), 'readable')
  t.assert.strictEqual((await fetch(`http://127.0.0.1:${port}/scalar`)).status, 200)
})

test('many clients share one copy of the script', async (t: TestContext) => {
  const { app } = await openApp(t)
  const port = await listen(app)
  await (await fetch(`http://127.0.0.1:${port}/scalar/scalar.js`)).bytes()
  const before = process.memoryUsage()
  for (let client = 0; client < 100; client++) await once(await ask(t, port, '/scalar/scalar.js'), 'readable')
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  const added = arrayBuffers + heapUsed - before.arrayBuffers - before.heapUsed
  t.assert.ok(added < 100 * mebibyte, `${added} bytes`)
})

test('a client that reads slower than the minimum is disconnected', async (t: TestContext) => {
  const { port, sockets } = await serveBytes(t, 8 * mebibyte, { time: 50, bytes: 2 ** 30 })
  const client = await ask(t, port, '/')
  const closed = once(client, 'close')
  await until(() => sockets.length === 1 && sockets.every(({ destroyed }) => destroyed))
  client.resume()
  await closed
  t.assert.ok(client.bytesRead < 8 * mebibyte)
})

test('a client that reads steadily is not disconnected', async (t: TestContext) => {
  const { port } = await serveBytes(t, 16 * mebibyte, { time: 20_000, bytes: 2 ** 30 })
  const client = await ask(t, port, '/')
  client.resume()
  await until(() => client.bytesRead > 16 * mebibyte)
})

test('too much unread data disconnects the slowest readers', async (t: TestContext) => {
  const { port, sockets } = await serveBytes(t, 16 * mebibyte, { time: 60_000, bytes: 40 * mebibyte })
  for (let client = 0; client < 4; client++) {
    await ask(t, port, '/')
    await until(() => sockets.length === client + 1)
    await sleep(300)
  }
  await until(() => sockets.filter(({ destroyed }) => destroyed).length === 2)
  t.assert.deepStrictEqual(
    sockets.map(({ destroyed }) => destroyed),
    [true, true, false, false],
  )
})

/** A client that has sent a request, and reads nothing unless it is resumed. */
async function ask(t: TestContext, port: number, path: string): Promise<Socket> {
  const client = connect({ host: '127.0.0.1', port })
  t.after(() => client.destroy())
  client.on('error', () => {}).pause()
  await once(client, 'connect')
  client.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
  return client
}

/** A server whose responses have so many bytes. */
async function serveBytes(t: TestContext, length: number, limits: ReadLimits) {
  const sockets: Socket[] = []
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    sockets.push(request.socket)
    response.end(Buffer.alloc(length))
  })
  openConnections(100, limits).track(server)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  closeAfter(t, () => server.close().closeAllConnections())
  return { port: (server.address() as AddressInfo).port, sockets }
}
