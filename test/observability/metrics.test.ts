import { readFile } from 'node:fs/promises'
import { test, type TestContext } from 'node:test'
import { gunzipSync } from 'node:zlib'

import { exposition } from '../../src/observability/metrics/exposition.ts'
import { finalMetrics, mergeMetrics } from '../../src/observability/metrics/merge.ts'
import { openMetrics } from '../../src/observability/metrics/metrics.ts'
import { measureProcess } from '../../src/observability/metrics/process.ts'
import { openApp } from '../support/app.ts'
import { tea } from '../support/fixtures.ts'
import { seriesOf } from '../support/metrics.ts'

test('a histogram counts each value in every bucket it fits', async (t: TestContext) => {
  const metrics = openMetrics()
  const histogram = metrics.histogram('waits', 'Waits.', [1, 2], { kind: 'a "b"\n' })
  for (const value of [0.5, 1, 1.5, 3]) histogram.observe(value)
  t.assert.strictEqual(
    exposition(await metrics.collect()),
    `# HELP waits Waits.
# TYPE waits histogram
waits_bucket{kind="a \\"b\\"\\n",le="1"} 2
waits_bucket{kind="a \\"b\\"\\n",le="2"} 3
waits_bucket{kind="a \\"b\\"\\n",le="+Inf"} 4
waits_sum{kind="a \\"b\\"\\n"} 6
waits_count{kind="a \\"b\\"\\n"} 4
`,
  )
})

test('metrics of processes are added, or labeled by process', async (t: TestContext) => {
  const families = async (value: number) => {
    const metrics = openMetrics()
    metrics.counter('calls', 'Calls.').add(value)
    for (const merge of ['sum', 'max', 'min', 'each'] as const)
      metrics.read({ name: merge, help: 'Help.', type: 'gauge', merge }, () => [{ value }])
    return metrics.collect()
  }
  const merged = mergeMetrics([
    { worker: '1', families: await families(2) },
    { worker: '2', families: await families(3) },
  ])
  const values = merged.flatMap(({ name, samples }) => samples.map(({ labels, value }) => [name, labels, value]))
  t.assert.deepStrictEqual(values, [
    ['calls', {}, 5],
    ['sum', {}, 5],
    ['max', {}, 3],
    ['min', {}, 2],
    ['each', { worker: '1' }, 2],
    ['each', { worker: '2' }, 3],
  ])
  t.assert.deepStrictEqual(
    finalMetrics(merged).map(({ name }) => name),
    ['calls'],
  )
})

test('requests are counted by route and status, and timed if successful', async (t: TestContext) => {
  const { context, send, signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const { id } = (await ada.post('/items', tea)).json()
  await ada.get(`/items/${id}`)
  await send({ method: 'HEAD', url: `/items/${id}`, headers: { authorization: `Bearer ${ada.token}` } })
  await send({ url: `/items/${id}` })
  await send({ url: '/nowhere' })
  const series = await seriesOf(context.metrics)
  const of = (name: string, labels: string) => series.get(`${name}{${labels}}`)
  const route = 'method="GET",route="/items/:id"'
  t.assert.strictEqual(of('http_server_requests_total', `${route},status="2xx"`), 2)
  t.assert.strictEqual(of('http_server_requests_total', `${route},status="4xx"`), 1)
  t.assert.strictEqual(of('http_server_request_duration_seconds_count', route), 2)
  t.assert.strictEqual(of('http_server_requests_total', 'method="other",route="none",status="4xx"'), 1)
  t.assert.strictEqual(of('stockroom_problems_total', 'code="missing_token"'), 1)
  t.assert.strictEqual(of('stockroom_problems_total', 'code="internal_error"'), 0)
  t.assert.strictEqual(of('stockroom_security_events_total', 'event="login_succeeded"'), 1)
  t.assert.strictEqual(of('stockroom_batch_size_sum', 'batch="inserts"'), 1)
  const inserts = 'statement="INSERT items",outcome="ok"'
  t.assert.strictEqual(of('stockroom_statement_duration_seconds_count', inserts), 1)
  t.assert.strictEqual(of('stockroom_batch_size_sum', 'batch="reads"'), 2)
  t.assert.strictEqual(series.get('stockroom_ready'), 1)
  t.assert.strictEqual(series.get('http_server_active_requests'), 0)
  t.assert.strictEqual(of('stockroom_postgres_connections', 'state="waiting"'), 0)
})

test('metrics count passwords, imported rows, and checked tokens', async (t: TestContext) => {
  const { context, signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const csv = 'name,category,price_usd,in_stock\nTea,Grocery,1,true\nTea,Grocery,-1,true\n'
  const type = { 'content-type': 'text/csv' }
  t.assert.strictEqual((await ada.post('/items/import?on_error=skip&dry_run=true', csv, type)).statusCode, 200)
  t.assert.strictEqual((await ada.post('/items/import?on_error=skip', csv, type)).statusCode, 200)
  const before = await seriesOf(context.metrics)
  await ada.get('/store-managers/logout')
  await ada.get('/items')
  const series = await seriesOf(context.metrics)
  const checks = (result: string) => `stockroom_token_checks_total{result="${result}",source="record"}`
  // A registration hashes, and a login checks.
  t.assert.strictEqual(series.get('stockroom_password_hash_seconds_count'), 2)
  t.assert.strictEqual(series.get('stockroom_import_rows_total{result="created"}'), 1)
  t.assert.strictEqual(series.get('stockroom_import_rows_total{result="failed"}'), 1)
  t.assert.strictEqual(series.get('stockroom_import_duration_seconds_count'), 1)
  t.assert.strictEqual(before.get(checks('logged_out')), 0)
  t.assert.strictEqual(series.get(checks('logged_out')), 1)
  t.assert.ok((series.get(checks('valid')) ?? 0) > 0)
})

test('bytes of lists and exports are counted before compression', async (t: TestContext) => {
  const { context, signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  await ada.post('/items', tea)
  const list = await ada.get('/items')
  const exported = await ada.get('/items/export', undefined, { 'accept-encoding': 'gzip' })
  await ada.get('/items?limit=1')
  const series = await seriesOf(context.metrics)
  const bytes = (stream: string) => series.get(`stockroom_stream_bytes_total{stream="${stream}"}`)
  t.assert.strictEqual(bytes('list'), list.rawPayload.length)
  t.assert.strictEqual(bytes('export'), gunzipSync(exported.rawPayload).length)
})

test('metrics.md describes every metric and no others', async (t: TestContext) => {
  const { context, register } = await openApp(t, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' })
  // The first statement adds their metric.
  await register('ada@example.com')
  measureProcess(context.metrics)
  const help = (await context.metrics.collect()).map(({ name, type }) => `${name} ${type}`)
  const text = await readFile('docs/reference/metrics.md', 'utf8')
  const documented = [...text.matchAll(/^\| `([a-z_]+)` +\| (\w+) +\|/gm)].map(([, name, type]) => `${name} ${type}`)
  const onlyElsewhere = ['stockroom_workers gauge', ...(process.env['REDIS_HOST'] ? [] : redis)]
  t.assert.deepStrictEqual(documented.toSorted(), [...new Set([...help, ...onlyElsewhere])].toSorted())
})

const redis = ['stockroom_redis_up gauge', 'stockroom_redis_fallbacks_total counter']

test('there are fewer than 600 series after each route was called', async (t: TestContext) => {
  const { app, context, send, signIn } = await openApp(t)
  measureProcess(context.metrics)
  const ada = await signIn('ada@example.com')
  const document = (await send({ url: '/openapi.json' })).json() as { paths: Record<string, Record<string, unknown>> }
  const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({ method: method.toUpperCase() as 'GET', url: path })),
  )
  t.assert.ok(routes.length > 20)
  for (const { method, url } of routes) {
    const path = url.replace(/\{.*?\}/, crypto.randomUUID())
    await app.inject({ method, url: path })
    await app.inject({ method, url: path, headers: { authorization: `Bearer ${ada.token}` } })
    await app.inject({ method: 'PUT', url: path })
  }
  const series = await seriesOf(context.metrics)
  t.assert.ok(series.size < 600, `there are ${series.size}`)
  t.diagnostic(`${series.size} series`)
})
