import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { Agent, request } from 'node:https'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

import { useConsole } from '../../test/e2e/console/support.ts'
import { ada, password, tea } from '../../test/support/fixtures.ts'
import { openReferencePage } from '../../test/support/reference-page.ts'
import { realStores, type Service, signInAt, startService, temporaryFolder } from '../../test/support/service.ts'
import { freePort } from '../../test/support/stores.ts'
import { eventually, until } from '../../test/support/until.ts'
import { type Edge, proxies, startProxy } from './proxies.ts'

const megabyte = 2 ** 20
/** Their import is larger than 3 MB, and their export than 20 MB. */
const rows = 110_000

interface Site {
  edge: Edge & { origin: string }
  services: [Service, Service]
  restart(index: 0 | 1): Promise<void>
  headers: { authorization: string }
}

for (const proxy of proxies) {
  test(`${proxy.name} passes on files, events, refusals, and addresses`, async (t: TestContext) => {
    const site = await openSite(t, proxy)
    await checkTransport(t, site)
    await checkFiles(t, site)
    await checkRefusals(t, site)
    await checkAddresses(t, site)
    await checkEvents(t, site)
  })

  test(`${proxy.name} serves under a path, and while replicas are replaced`, async (t: TestContext) => {
    const site = await openSite(t, proxy, '/shop')
    await useConsole(t, site.services[0].url, site.edge.origin, '/shop')
    await checkReferencePage(t, site)
    await checkRestarts(t, site)
  })
}

async function checkReferencePage(t: TestContext, { edge }: Site): Promise<void> {
  const { signIn, open, complaints } = await openReferencePage(t, edge.url)
  await signIn(ada.email)
  const response = await (await open({ method: 'get', path: '/items' })).send()
  t.assert.deepStrictEqual([response.status(), response.url().split('?')[0]], [200, `${edge.url}/items`])
  t.assert.deepStrictEqual(complaints, [])
}

async function checkRestarts(t: TestContext, { edge, headers, restart }: Site): Promise<void> {
  const over = new AbortController()
  const tally = { succeeded: 0, failed: [] as string[] }
  const clients = Array.from({ length: 12 }, () => keepSending(edge, headers, over.signal, tally))
  await until(() => tally.succeeded > 100)
  await restart(0)
  await restart(1)
  const before = tally.succeeded
  await until(() => tally.succeeded > before + 100)
  over.abort()
  await Promise.all(clients)
  t.diagnostic(`${tally.succeeded} requests`)
  t.assert.deepStrictEqual(tally.failed, [])
}

async function openSite(t: TestContext, proxy: (typeof proxies)[number], path = ''): Promise<Site> {
  const settings = { TRUST_PROXY: '127.0.0.1', DRAIN_DELAY: '2', SHUTDOWN_TIMEOUT: '20', ROOT_PATH: path }
  const stores = { ...(await realStores(t)), ...settings }
  const ports: [number, number] = [await freePort(), await freePort()]
  const start = (index: 0 | 1) => startService(t, { ...stores, HOST: '127.0.0.1', PORT: String(ports[index]) })
  const services = await Promise.all([start(0), start(1)])
  const { url: origin, ...certificate } = await startProxy(t, proxy, ports, path !== '')
  const edge = { origin, url: origin + path, ...certificate }
  const headers = await signInAt(services[0].url, 'ada@example.com')
  return {
    edge,
    services,
    headers,
    async restart(index) {
      const code = await services[index].end('SIGTERM')
      t.assert.strictEqual(code, 0)
      services[index] = await start(index)
      // An orchestrator replaces the next one when this one is known to be ready.
      await sleep(2_000)
    },
  }
}

async function curl({ caFile, url }: Edge, path: string, ...args: string[]): Promise<string> {
  const all = ['--silent', '--show-error', '--cacert', caFile, ...args, `${url}${path}`]
  return (await promisify(execFile)('curl', all, { maxBuffer: 2 ** 26 })).stdout
}

async function checkTransport(t: TestContext, { edge }: Site): Promise<void> {
  for (const [option, version] of [
    ['--http2', '2'],
    ['--http1.1', '1.1'],
  ] as const) {
    const output = await curl(edge, '/readyz', option, '--include', '--write-out', '\n%{http_version}')
    t.assert.match(output, /strict-transport-security: max-age=31536000/i)
    t.assert.strictEqual(output.split('\n').at(-1), version)
  }
}

async function checkFiles(t: TestContext, { edge, headers }: Site): Promise<void> {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'items.csv')
  const stream = createWriteStream(file)
  stream.write('name,category,price_usd,in_stock\n')
  for (let row = 0; row < rows; row++)
    stream.write(`Item ${row} with a name of usual length,Grocery,${row / 100},true\n`)
  stream.end()
  await once(stream, 'close')
  t.assert.ok((await stat(file)).size > 3 * megabyte)
  const authorization = ['--header', `authorization: ${headers.authorization}`]
  const csv = ['--header', 'content-type: text/csv', '--data-binary', `@${file}`]
  const report = JSON.parse(await curl(edge, '/items/import', ...authorization, ...csv)) as { created: number }
  t.assert.strictEqual(report.created, rows)

  const target = join(folder, 'items.ndjson')
  const format = '%{http_code} %{size_download} %{time_starttransfer} %{time_total}'
  const output = ['--output', target, '--write-out', format]
  const written = await curl(edge, '/items/export?format=ndjson', ...authorization, ...output)
  const [status, size, first, total] = written.split(' ')
  t.assert.strictEqual(status, '200')
  t.assert.ok(Number(size) > 20 * megabyte, size)
  // A proxy that collects the response sends the first byte when the last has arrived.
  t.assert.ok(Number(first) < Number(total) / 2, written)
  t.diagnostic(`${rows} rows, export: first byte after ${first} s, last after ${total} s`)
}

/** Responses to bodies that the service does not read to their end. */
async function checkRefusals(t: TestContext, { edge, headers }: Site): Promise<void> {
  const file = join(await temporaryFolder(t), 'large')
  const stream = createWriteStream(file)
  for (let block = 0; block < 20; block++) stream.write('x'.repeat(megabyte))
  stream.end()
  await once(stream, 'close')
  const body = ['--header', 'content-type: text/csv', '--data-binary', `@${file}`, '--write-out', '\n%{http_code}']
  const refused = await curl(edge, '/items/import', ...body)
  t.assert.match(refused, /"code":"missing_token"/)
  t.assert.strictEqual(refused.split('\n').at(-1), '401')
  const wrong = await curl(edge, '/items/import', '--header', `authorization: ${headers.authorization}`, ...body)
  t.assert.match(wrong, /"code":"import_failed"/)
  t.assert.strictEqual(wrong.split('\n').at(-1), '422')
}

async function checkAddresses(t: TestContext, { edge, services }: Site): Promise<void> {
  const form = ['--data-urlencode', 'username=ada@example.com', '--data-urlencode', `password=${password}`]
  const claims = ['--header', 'x-forwarded-for: 203.0.113.9', '--interface', '127.0.0.5']
  await curl(edge, '/store-managers/token', ...form, ...claims)
  const log = () => services.map((service) => service.output()).join('')
  const line = await eventually(
    () => log().match(/^.*"event":"login_succeeded".*"address":"127\.0\.0\.5".*$/m)?.[0],
    (found) => found !== undefined,
  )
  t.assert.ok(line)
  t.assert.doesNotMatch(log(), /203\.0\.113\.9/)
}

async function checkEvents(t: TestContext, { edge, headers }: Site): Promise<void> {
  const { url, ca } = edge
  const accept = { accept: 'text/event-stream', ...headers }
  const feed = request(`${url}/changes/feed?since=now`, { ca, agent: false, headers: accept })
  let received = ''
  feed.on('response', (response) => response.on('data', (chunk: Buffer) => (received += chunk.toString())))
  feed.on('error', () => {})
  feed.end()
  const [response] = await once(feed, 'response')
  t.assert.strictEqual(response.statusCode, 200)
  const body = JSON.stringify({ ...tea, name: 'Seen immediately' })
  const json = ['--header', 'content-type: application/json', '--data', body]
  await curl(edge, '/items', '--header', `authorization: ${headers.authorization}`, ...json)
  await until(() => received.includes('Seen immediately'))
  feed.destroy()
}

async function keepSending(
  { url, ca }: Edge,
  headers: Record<string, string>,
  over: AbortSignal,
  tally: { succeeded: number; failed: string[] },
): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca })
  for (let turn = 0; !over.aborted; turn++) {
    const isWrite = turn % 4 === 0
    const options = isWrite
      ? { method: 'POST', headers: { ...headers, 'content-type': 'application/json' } }
      : { headers }
    const result = await send(
      `${url}/items${isWrite ? '' : '?limit=1'}`,
      { agent, ...options },
      isWrite ? tea : undefined,
    )
    if (result === (isWrite ? '201' : '200')) tally.succeeded++
    else tally.failed.push(`${options.method ?? 'GET'}: ${result}`)
    await sleep(5)
  }
  agent.destroy()
}

/** The status of the response, or the code of the error. */
function send(url: string, options: object, body: object | undefined): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  const sent = request(url, options, (response) => {
    response.resume()
    response.on('end', () => resolve(String(response.statusCode)))
    response.on('error', ({ message }) => resolve(message))
  })
  sent.on('error', ({ message }) => resolve(message))
  sent.end(body && JSON.stringify(body))
  return promise
}
