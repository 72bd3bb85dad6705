import { test, type TestContext } from 'node:test'

import { batchReads } from '../../../src/concurrency/batching.ts'
import { openMetrics } from '../../../src/observability/metrics/metrics.ts'
import { observeBatches } from '../../../src/observability/metrics/watch.ts'
import { Tracer } from '../../../src/observability/tracing/tracer.ts'
import { listen, onServer, openApp } from '../../support/app.ts'
import { hasCitus } from '../../support/citus.ts'
import { password, tea } from '../../support/fixtures.ts'
import { sendHeaders } from '../../support/split-request.ts'
import { openTraceReceiver, type TraceReceiver } from '../../support/trace-receiver.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const spanId = '00f067aa0ba902b7'
const traceparent = `00-${traceId}-${spanId}-01`

/** Spans of batches. On Citus, tokens are looked up apart from items, and items are written in transactions. */
const batches = hasCitus
  ? {
      reads: ['SELECT store_managers', 'SELECT items'],
      inserts: ['INSERT item_changes', 'SELECT change_feed', 'INSERT items', 'COMMIT'],
      updates: [],
    }
  : { reads: ['SELECT items'], inserts: ['INSERT items'], updates: ['batch updates', 'UPDATE items'] }

async function openTracedApp(t: TestContext, env: Record<string, string> = {}) {
  const receiver = await openTraceReceiver(t)
  const app = await openApp(t, {
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_TRACES_SAMPLER: 'parentbased_always_off',
    ...env,
  })
  return { ...app, receiver, flush: async () => app.context.tracer?.close() }
}

function childrenOf({ spans }: TraceReceiver, parent: string): string[] {
  return spans.filter(({ parentSpanId }) => parentSpanId === parent).map(({ name }) => name)
}

test('a sampled request is a span of the trace of its caller', async (t: TestContext) => {
  const { signIn, receiver, flush } = await openTracedApp(t)
  const ada = await signIn('ada@example.com')
  const { id } = (await ada.post('/items', tea)).json()
  await ada.get(`/items/${id}`, undefined, { traceparent, tracestate: 'vendor=1, other=2' })
  await flush()
  const request = receiver.named('GET /items/:id')
  t.assert.partialDeepStrictEqual(request, { traceId, parentSpanId: spanId, kind: 2, traceState: 'vendor=1,other=2' })
  t.assert.deepStrictEqual(request.attributes, {
    'http.request.method': 'GET',
    'http.route': '/items/:id',
    'http.response.status_code': 200,
  })
  t.assert.partialDeepStrictEqual(request.resource, { 'service.name': 'stockroom' })
  t.assert.strictEqual(request.status, undefined)
  t.assert.deepStrictEqual(childrenOf(receiver, request.spanId), ['batch reads'])
  const batch = receiver.named('batch reads')
  t.assert.deepStrictEqual(batch.links, [{ traceId, spanId: request.spanId }])
  t.assert.strictEqual(batch.attributes['stockroom.batch.size'], 1)
  t.assert.deepStrictEqual(childrenOf(receiver, batch.spanId), batches.reads)
  const statement = receiver.named('SELECT items')
  t.assert.strictEqual(statement.attributes['db.system.name'], 'postgresql')
  t.assert.match(String(statement.attributes['db.query.text']), /from "items"/)
  t.assert.strictEqual(receiver.spans.length, 2 + batches.reads.length)
})

test('a body that arrives later does not end the trace of its request', async (t: TestContext) => {
  const { app, signIn, receiver, flush } = await openTracedApp(t)
  const ada = await signIn('ada@example.com')
  const request = await sendHeaders(await listen(app), 'POST', '/items', ada.token, tea, { traceparent })
  t.assert.strictEqual((await request.finish()).status, 201)
  await flush()
  t.assert.deepStrictEqual(childrenOf(receiver, receiver.named('POST /items').spanId), [
    'batch token_checks',
    'batch inserts',
  ])
  t.assert.deepStrictEqual(childrenOf(receiver, receiver.named('batch inserts').spanId), batches.inserts)
})

test('a malformed traceparent starts a new trace', async (t: TestContext) => {
  const { send, receiver, flush, log } = await openTracedApp(t, { OTEL_TRACES_SAMPLER: 'always_on' })
  await send({ url: '/healthz', headers: { traceparent: traceparent.toUpperCase(), tracestate: 'vendor=1' } })
  await flush()
  const span = receiver.named('GET /healthz')
  t.assert.notStrictEqual(span.traceId, traceId)
  t.assert.strictEqual(span.parentSpanId, undefined)
  t.assert.strictEqual(span.traceState, undefined)
  t.assert.partialDeepStrictEqual(requestLine(log), { trace_id: span.traceId, span_id: span.spanId })
})

test('the log line of a request names its trace', async (t: TestContext) => {
  const { send, receiver, flush, log } = await openTracedApp(t)
  await send({ url: '/nowhere', headers: { traceparent } })
  await flush()
  t.assert.strictEqual(receiver.named('GET').attributes['error.type'], 'not_found')
  t.assert.partialDeepStrictEqual(requestLine(log), { trace_id: traceId, span_id: receiver.named('GET').spanId })
  await send({ url: '/healthz', headers: { traceparent: traceparent.replace(/01$/, '00') } })
  t.assert.partialDeepStrictEqual(requestLine(log), { route: '/healthz', trace_id: traceId })
  t.assert.ok(!('span_id' in requestLine(log)))
  await send({ url: '/healthz' })
  t.assert.ok(!('trace_id' in requestLine(log)))
  t.assert.strictEqual(receiver.spans.length, 1)
})

function requestLine(log: string[]): Record<string, unknown> {
  return log.map((line) => JSON.parse(line)).findLast(({ msg }) => msg === 'request')
}

test('a failed request has its code, and is an error from 500 on', async (t: TestContext) => {
  const { context, server, signIn, receiver, flush } = await openTracedApp(t)
  const ada = await signIn('ada@example.com')
  await ada.get(`/items/${crypto.randomUUID()}`, undefined, { traceparent })
  await onServer(server, `alter table ${context.pool.schema}.items rename to gone`)
  await ada.patch(`/items/${crypto.randomUUID()}`, { price_usd: 1 }, { traceparent })
  await flush()
  const found = receiver.named('GET /items/:id')
  t.assert.deepStrictEqual([found.attributes['error.type'], found.status], ['item_not_found', undefined])
  const update = receiver.named('PATCH /items/:id')
  t.assert.partialDeepStrictEqual(update, { attributes: { 'error.type': 'internal_error' }, status: { code: 2 } })
  for (const name of batches.updates) {
    t.assert.partialDeepStrictEqual(receiver.named(name), {
      attributes: { 'error.type': '42P01' },
      status: { code: 2 },
    })
  }
})

test('traces contain no secrets, addresses, or values', async (t: TestContext) => {
  const { app, logIn, signIn, receiver, flush } = await openTracedApp(t, { OTEL_TRACES_SAMPLER: 'always_on' })
  const ada = await signIn('ada@example.com')
  const { id } = (await ada.post('/items', { ...tea, name: 'Banana tea' })).json()
  await ada.get(`/items/${id}?expand=store_manager`)
  await ada.get('/items?limit=10&q=banana&min_price=1.25')
  await ada.patch(`/items/${id}`, { name: 'Banana bread' })
  await ada.patch('/store-managers/me', { name: 'Banana Lovelace' })
  await ada.post('/items/import', 'name,category,price_usd,in_stock\nBanana,Grocery,1,true\n', {
    'content-type': 'text/csv',
  })
  await app.inject({ url: `/nowhere/${ada.token}?token=${ada.token}` })
  await logIn('ada@example.com', 'banana banana')
  await flush()
  t.assert.ok(receiver.spans.length > 20)
  const sent = receiver.bodies.join('\n')
  const jti = JSON.parse(Buffer.from(ada.token.split('.')[1] ?? '', 'base64url').toString()).jti
  for (const value of ['example.com', password, ada.token, ada.id, jti, id, 'anana', 'Lovelace', '$2b$', '1.25'])
    t.assert.ok(!sent.includes(value), value)
  const names = new Set(receiver.spans.map(({ name }) => name))
  for (const name of ['bcrypt', 'receive import', 'merge import', 'UPDATE items', 'INSERT store_managers', 'COMMIT'])
    t.assert.ok(names.has(name), `${name}: ${[...names].join(', ')}`)
})

test('a batch is one span that links to its sampled requests', async (t: TestContext) => {
  const receiver = await openTraceReceiver(t)
  const metrics = openMetrics()
  const tracer = openTracer(receiver, metrics)
  const read = batchReads(
    async (keys: string[]) => {
      await tracer.statement('SELECT items', '', Promise.resolve())
      return new Map(keys.map((key) => [key, key]))
    },
    1,
    observeBatches({ metrics, tracer }, 'reads'),
  )
  const ids = ['1', '2', '3'].map((digit) => digit.repeat(32))
  const requests = ids.map((id) => tracer.startRequest({ traceparent: `00-${id}-${spanId}-01` })?.span)
  // The first one to join is not sampled.
  const results = [read('0'), ...requests.map((request, n) => within(request, () => read(String(n + 1))))]
  function within<Result>(span: (typeof requests)[number], work: () => Result): Result {
    let result: Result | undefined
    tracer.enter(span, () => (result = work()))
    return result as Result
  }
  t.assert.deepStrictEqual(await Promise.all(results), ['0', '1', '2', '3'])
  for (const request of requests) {
    if (request) request.name = `request ${request.trace.id[0]}`
    request?.end()
  }
  // Of a request that is over, nothing is traced.
  await within(requests[0], () => read('4'))
  await tracer.close()
  const batch = receiver.named('batch reads')
  t.assert.strictEqual(batch.attributes['stockroom.batch.size'], 4)
  const spans = ['request 1', 'request 2', 'request 3'].map((name) => receiver.named(name))
  t.assert.deepStrictEqual(
    batch.links,
    spans.map((span) => ({ traceId: span.traceId, spanId: span.spanId })),
  )
  t.assert.deepStrictEqual([batch.traceId, batch.parentSpanId], [ids[0], spans[0]?.spanId])
  const back = { traceId: batch.traceId, spanId: batch.spanId }
  t.assert.deepStrictEqual(
    spans.map(({ links }) => links),
    [undefined, [back], [back]],
  )
  t.assert.strictEqual(receiver.named('SELECT items').parentSpanId, batch.spanId)
  t.assert.strictEqual(receiver.spans.length, 5)
})

test('a trace has at most 100 spans', async (t: TestContext) => {
  const receiver = await openTraceReceiver(t)
  const tracer = openTracer(receiver)
  const span = tracer.startRequest({})?.span
  tracer.enter(span, () => {
    for (let statement = 0; statement < 200; statement++) void tracer.statement('COMMIT', 'commit', Promise.resolve())
  })
  await Promise.resolve()
  span?.end()
  await tracer.close()
  t.assert.strictEqual(receiver.spans.length, 100)
})

function openTracer({ url }: { url: string }, metrics = openMetrics()): Tracer {
  const options = { url: `${url}/v1/traces`, headers: {}, resource: {}, sampler: 'always_on', ratio: 1 } as const
  return new Tracer(options, metrics, () => {})
}
