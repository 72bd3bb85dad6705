import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { get, type IncomingMessage } from 'node:http'
import { test, type TestContext } from 'node:test'

import { metricsUrl, scrape } from '../support/metrics.ts'
import { openPrometheus, promtool, withoutPrometheus } from '../support/prometheus.ts'
import { realStores, runMain, signInAt, startService } from '../support/service.ts'
import { until } from '../support/until.ts'

const reads = 'http_server_requests_total{method="GET",route="/items",status="2xx"}'

test('metrics are on a port of their own, and off by default', async (t: TestContext) => {
  const stores = await realStores(t)
  const plain = await startService(t, stores)
  t.assert.doesNotMatch(plain.output(), /serving metrics/)
  const hosts = 'localhost,127.0.0.1,metrics.example'
  const { url, output } = await startService(t, { ...stores, METRICS_PORT: '0', ALLOWED_HOSTS: hosts })
  t.assert.strictEqual((await fetch(`${url}/metrics`)).status, 404)
  const address = metricsUrl(output())
  const response = await fetch(address)
  t.assert.strictEqual(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
  t.assert.strictEqual((await fetch(new URL('/items', address))).status, 404)
  const posted = await fetch(address, { method: 'POST' })
  t.assert.deepStrictEqual([posted.status, posted.headers.get('allow')], [405, 'GET, HEAD'])
  t.assert.strictEqual((await fetch(`${address}?job=stockroom`)).status, 200)
  // A page whose name resolves to this machine.
  t.assert.strictEqual(await statusFor(address, 'evil.example'), 421)
  t.assert.strictEqual(await statusFor(address, 'localhost:1'), 200)
  t.assert.strictEqual(await statusFor(address, 'metrics.example'), 200)
})

async function statusFor(address: string, host: string): Promise<number | undefined> {
  const [response] = (await once(get(address, { headers: { host } }), 'response')) as [IncomingMessage]
  response.resume()
  return response.statusCode
}

test('a METRICS_PORT in use ends the start in one line', async (t: TestContext) => {
  const stores = await realStores(t)
  const { output } = await startService(t, { ...stores, METRICS_PORT: '0' })
  const { port } = new URL(metricsUrl(output()))
  const second = runMain(t, { ...stores, PORT: '0', METRICS_PORT: port })
  t.assert.strictEqual(await second.ended, 1)
  t.assert.match(second.output(), new RegExp(`^Port ${port} is in use\\. Set METRICS_PORT to another one\\.$`, 'm'))
})

test('metrics cover all workers, also those that have ended', async (t: TestContext) => {
  const stores = await realStores(t)
  const { url, output, pid } = await startService(t, { ...stores, METRICS_PORT: '0', WEB_CONCURRENCY: '2' })
  const headers = await signInAt(url, 'ada@example.com')
  // Each on a connection of its own, so that both workers get some.
  const list = () => fetch(`${url}/items`, { headers: { ...headers, connection: 'close' } }).then((all) => all.text())
  for (let call = 0; call < 20; call++) await list()
  const address = metricsUrl(output())
  const before = await scrape(address)
  t.assert.strictEqual(before.get(reads), 20)
  t.assert.strictEqual(before.get('stockroom_workers'), 2)
  const memory = [...before.keys()].filter((name) => name.startsWith('process_resident_memory_bytes'))
  t.assert.strictEqual(memory.length, 3)

  const [worker] = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).split(' ').map(Number)
  process.kill(worker ?? 0, 'SIGKILL')
  await until(() => output().includes('worker exited; restarting'))
  await until(async () => (await scrape(address)).get('stockroom_workers') === 2)
  t.assert.strictEqual((await scrape(address)).get(reads), 20)
})

test(
  'Prometheus scrapes the metrics, and promtool finds no fault',
  { skip: withoutPrometheus },
  async (t: TestContext) => {
    const stores = await realStores(t)
    const { url, output } = await startService(t, { ...stores, METRICS_PORT: '0' })
    const headers = await signInAt(url, 'ada@example.com')
    await (await fetch(`${url}/items`, { headers })).text()
    const address = metricsUrl(output())
    const text = await (await fetch(address)).text()
    t.assert.deepStrictEqual(promtool(['check', 'metrics'], text), { output: '', code: 0 })
    const { query } = await openPrometheus(t, [new URL(address).host])
    const [count] = await query('http_server_requests_total{route="/items",status="2xx"}')
    t.assert.strictEqual(count?.value, 1)
    const p99 = 'histogram_quantile(0.99, sum by (le) (http_server_request_duration_seconds_bucket{route="/items"}))'
    t.assert.ok(((await query(p99))[0]?.value ?? 0) > 0)
  },
)
