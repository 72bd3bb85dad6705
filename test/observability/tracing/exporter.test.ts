import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'

import { openMetrics } from '../../../src/observability/metrics/metrics.ts'
import { Tracer } from '../../../src/observability/tracing/tracer.ts'
import { seriesOf } from '../../support/metrics.ts'
import { openTraceReceiver } from '../../support/trace-receiver.ts'
import { until } from '../../support/until.ts'

function openTracer(url: string, headers = {}) {
  const metrics = openMetrics()
  const warnings: unknown[] = []
  const options = {
    url: `${url}/v1/traces`,
    headers,
    resource: { 'service.name': 'shop' },
    sampler: 'always_on',
    ratio: 1,
  } as const
  const tracer = new Tracer(options, metrics, (error) => warnings.push(error))
  const end = (count: number) => {
    for (let span = 0; span < count; span++) tracer.startRequest({})?.span?.end()
  }
  const counts = async () => {
    const series = await seriesOf(metrics)
    const dropped = (reason: string) => series.get(`stockroom_spans_dropped_total{reason="${reason}"}`)
    return {
      exported: series.get('stockroom_spans_exported_total'),
      full: dropped('queue_full'),
      refused: dropped('refused'),
      unavailable: dropped('unavailable'),
    }
  }
  return { tracer, warnings, end, counts }
}

const none = { exported: 0, full: 0, refused: 0, unavailable: 0 }

/** A port on which no server listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

test('spans are exported in batches of at most 512, with the headers', async (t: TestContext) => {
  const receiver = await openTraceReceiver(t)
  const { tracer, end, counts } = openTracer(receiver.url, { 'x-key': 'abc' })
  end(600)
  await until(() => receiver.bodies.length === 1)
  t.assert.strictEqual(receiver.spans.length, 512)
  await tracer.close()
  t.assert.strictEqual(receiver.spans.length, 600)
  t.assert.strictEqual(new Set(receiver.spans.map((span) => span.spanId)).size, 600)
  t.assert.partialDeepStrictEqual(receiver.headers[0], { 'x-key': 'abc', 'content-type': 'application/json' })
  t.assert.partialDeepStrictEqual(receiver.spans[0]?.resource, { 'service.name': 'shop' })
  t.assert.deepStrictEqual(await counts(), { ...none, exported: 600 })
})

test('spans that a receiver cannot take yet are sent again', async (t: TestContext) => {
  let requests = 0
  const receiver = await openTraceReceiver(t, (response) => {
    response.writeHead(requests++ === 0 ? 503 : 200).end()
  })
  const { tracer, warnings, end, counts } = openTracer(receiver.url)
  end(512)
  await until(() => receiver.bodies.length === 2)
  t.assert.strictEqual(receiver.bodies[0], receiver.bodies[1])
  await tracer.close()
  t.assert.deepStrictEqual(await counts(), { ...none, exported: 512 })
  t.assert.deepStrictEqual(warnings, [])
})

test('spans that a receiver refuses are dropped and counted', async (t: TestContext) => {
  const receiver = await openTraceReceiver(t, (response) => void response.writeHead(401).end())
  const { tracer, warnings, end, counts } = openTracer(receiver.url)
  end(3)
  await tracer.close()
  t.assert.strictEqual(receiver.bodies.length, 1)
  t.assert.deepStrictEqual(await counts(), { ...none, refused: 3 })
  t.assert.match(String(warnings), /responded with 401/)
})

for (const [title, partialSuccess, refused, warning] of [
  ['rejects in part', { rejectedSpans: '2', errorMessage: 'too old' }, 2, /says: too old/],
  ['rejects without a reason', { rejectedSpans: 1 }, 1, /says: 1 spans were refused/],
  ['overstates', { rejectedSpans: '9' }, 3, /9 spans/],
] as const)
  test(`spans that a receiver ${title} are dropped and counted`, async (t: TestContext) => {
    const body = JSON.stringify({ partialSuccess })
    const receiver = await openTraceReceiver(t, (response) => void response.writeHead(200).end(body))
    const { tracer, warnings, end, counts } = openTracer(receiver.url)
    end(3)
    await tracer.close()
    t.assert.strictEqual(receiver.bodies.length, 1)
    t.assert.deepStrictEqual(await counts(), { ...none, exported: 3 - refused, refused })
    t.assert.match(String(warnings), warning)
  })

test('a warning of a receiver that takes all spans is logged', async (t: TestContext) => {
  const body = JSON.stringify({ partialSuccess: { errorMessage: 'deprecated' } })
  const receiver = await openTraceReceiver(t, (response) => void response.writeHead(200).end(body))
  const { tracer, warnings, end, counts } = openTracer(receiver.url)
  end(3)
  await tracer.close()
  t.assert.deepStrictEqual(await counts(), { ...none, exported: 3 })
  t.assert.match(String(warnings), /says: deprecated/)
})

test('a receiver may respond with nothing, null, or much that is no JSON', async (t: TestContext) => {
  const replies = ['', 'null', 'x'.repeat(2 ** 20)]
  const receiver = await openTraceReceiver(t, (response) => void response.writeHead(200).end(replies.pop()))
  for (const exported of [1, 2, 3]) {
    const { tracer, warnings, end, counts } = openTracer(receiver.url)
    end(exported)
    await tracer.close()
    t.assert.deepStrictEqual(await counts(), { ...none, exported })
    t.assert.deepStrictEqual(warnings, [])
  }
})

test('without a receiver, at most 2,048 spans wait and the rest is counted', async (t: TestContext) => {
  const { tracer, warnings, end, counts } = openTracer(`http://127.0.0.1:${await closedPort()}`)
  end(3_000)
  t.assert.deepStrictEqual(await counts(), { ...none, full: 952 })
  await tracer.close()
  t.assert.deepStrictEqual(await counts(), { ...none, full: 952, unavailable: 2_048 })
  t.assert.match(String(warnings[0]), /ECONNREFUSED/)
})

test('a receiver that never responds delays only the end, by its limit', async (t: TestContext) => {
  const receiver = await openTraceReceiver(t, () => {})
  const { tracer, end, counts } = openTracer(receiver.url)
  end(512)
  await until(() => receiver.bodies.length === 1)
  end(2_048)
  t.assert.deepStrictEqual(await counts(), none)
  end(1)
  t.assert.deepStrictEqual(await counts(), { ...none, full: 1 })
  await tracer.close()
  t.assert.deepStrictEqual(await counts(), { ...none, full: 1, unavailable: 2_560 })
})

test('a receiver that breaks off its response is unavailable', async (t: TestContext) => {
  const receiver = await openTraceReceiver(t, (response) => {
    response.writeHead(200, { 'content-length': 10 }).write('{')
    response.destroy()
  })
  const { tracer, end, counts } = openTracer(receiver.url)
  end(1)
  await tracer.close()
  t.assert.deepStrictEqual(await counts(), { ...none, unavailable: 1 })
})
