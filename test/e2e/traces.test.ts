import { test, type TestContext } from 'node:test'

import { tea } from '../support/fixtures.ts'
import { json, realStores, signInAt, startService } from '../support/service.ts'
import { openTraceReceiver } from '../support/trace-receiver.ts'
import { until } from '../support/until.ts'

test('each worker exports the spans that it has at the end', async (t: TestContext) => {
  const { url: endpoint, spans } = await openTraceReceiver(t)
  const tracing = { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_SAMPLER: 'always_on' }
  const { url, end } = await startService(t, { ...(await realStores(t)), ...tracing, WEB_CONCURRENCY: '2' })
  const call = () => fetch(`${url}/healthz`, { headers: { connection: 'close' } })
  const instances = () => new Set(spans.map(({ resource }) => resource['service.instance.id']))
  await until(async () => {
    await call()
    return instances().size === 2
  })
  const before = spans.length
  await call()
  t.assert.strictEqual(await end('SIGTERM'), 0)
  t.assert.ok(spans.length > before)
  t.assert.ok(spans.every(({ name }) => name === 'GET /healthz'))
})

test('a receiver that never responds stops neither requests nor the end', async (t: TestContext) => {
  const { url: endpoint, bodies } = await openTraceReceiver(t, () => {})
  const tracing = { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_SAMPLER: 'always_on' }
  const { url, end, output } = await startService(t, { ...(await realStores(t)), ...tracing })
  const headers = { ...(await signInAt(url, 'ada@example.com')), ...json }
  const create = () => fetch(`${url}/items`, { method: 'POST', headers, body: JSON.stringify(tea) })
  t.assert.strictEqual((await create()).status, 201)
  await until(() => bodies.length === 1)
  const responses = await Promise.all(Array.from({ length: 50 }, create))
  t.assert.deepStrictEqual(new Set(responses.map(({ status }) => status)), new Set([201]))
  t.assert.strictEqual(await end('SIGTERM'), 0)
  const warnings = output()
    .split('\n')
    .filter((line) => line.includes('failed to export traces'))
  t.assert.ok(warnings.length > 0)
})
