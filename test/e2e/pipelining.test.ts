import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { listen, openApp, type TestApp } from '../support/app.ts'
import { startService, realStores } from '../support/service.ts'
import { until } from '../support/until.ts'

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`

test('pipelined requests get their responses in order', async (t: TestContext) => {
  const { client } = await connectTo(t)
  client.write(`${get('/healthz')}${get('/nothing')}${get('/openapi.json')}`.repeat(20))
  await until(() => statusesOf(client).length === 60)
  t.assert.match(statusesOf(client).join(' '), /^(?:200 404 200 ?){20}$/)
})

test('a connection has one request in progress', async (t: TestContext) => {
  const { client, context } = await connectTo(t)
  let active = 0
  let most = 0
  t.mock.method(context.readiness, 'check', async () => {
    most = Math.max(most, ++active)
    await sleep(5)
    active--
    return 'ready'
  })
  client.write(get('/readyz').repeat(30))
  await until(() => statusesOf(client).length === 30)
  t.assert.strictEqual(most, 1)
})

test('a client that pipelines more than 100 requests is disconnected', async (t: TestContext) => {
  const { client, log } = await connectTo(t)
  const closed = once(client, 'close')
  client.write(get('/readyz').repeat(1_500))
  await closed
  t.assert.ok(log.some((line) => line.includes('too many pipelined requests')))
})

test('bytes after a request are refused after its response', async (t: TestContext) => {
  const { client, context } = await connectTo(t)
  t.mock.method(context.readiness, 'check', () => sleep(50, 'ready'))
  client.write(`${get('/readyz')}nonsense\r\n\r\n`)
  await once(client, 'close')
  t.assert.deepStrictEqual(statusesOf(client), ['200', '400'])
})

test('a connection ends after a request for another protocol', async (t: TestContext) => {
  const { client } = await connectTo(t)
  client.write(`GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n${get('/healthz')}`)
  await once(client, 'close')
  t.assert.deepStrictEqual(statusesOf(client), ['200'])
})

test('a connection ends after an unread body of such a request', async (t: TestContext) => {
  const { client } = await connectTo(t)
  const head =
    'Host: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Type: application/json\r\nContent-Length: 200000'
  client.write(`POST /items HTTP/1.1\r\n${head}\r\n\r\n`)
  await until(() => statusesOf(client).length === 1)
  client.write(`${' '.repeat(200_000)}${get('/healthz')}`)
  await once(client, 'close')
  t.assert.deepStrictEqual(statusesOf(client), ['401'])
})

test('pipelined requests whose responses are never read stop nothing', async (t: TestContext) => {
  const service = await startService(t, await realStores(t))
  const port = Number(new URL(service.url).port)
  const kinds = ['/openapi.json', '/scalar', '/scalar/scalar.js', '/nothing', '/items', '/healthz', '/%zz']
  const clients = Array.from({ length: 150 }, (_, index) => {
    const client = connect({ host: '127.0.0.1', port })
    t.after(() => client.destroy())
    client.on('error', () => {}).pause()
    client.write(get(kinds[index % kinds.length] ?? '').repeat(index % 2 === 0 ? 1_500 : 90))
    return client
  })
  await sleep(3_000)
  t.assert.strictEqual((await fetch(`${service.url}/openapi.json`)).status, 200)
  t.assert.ok(clients.some(({ destroyed }) => !destroyed))
  t.assert.ok(residentMiB(service.pid) < 600, `${residentMiB(service.pid)} MiB`)
})

/** A client of an application of its own. What it receives is collected. */
async function connectTo(t: TestContext): Promise<TestApp & { client: Socket }> {
  const opened = await openApp(t)
  const client = connect({ host: '127.0.0.1', port: await listen(opened.app) })
  t.after(() => client.destroy())
  received.set(client, '')
  client.on('error', () => {}).on('data', (chunk) => received.set(client, received.get(client) + String(chunk)))
  return { ...opened, client }
}

function residentMiB(pid: number): number {
  const [, kibibytes] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Math.round(Number(kibibytes) / 1024)
}

const received = new WeakMap<Socket, string>()

function statusesOf(client: Socket): string[] {
  return [...(received.get(client) ?? '').matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status = '']) => status)
}
