import { test, type TestContext } from 'node:test'

import { openSampler, type SamplerName } from '../../../src/observability/tracing/sampler.ts'
import { parseTraceparent, parseTracestate } from '../../../src/observability/tracing/trace-context.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const spanId = '00f067aa0ba902b7'

test('traceparent is parsed as W3C Trace Context says', (t: TestContext) => {
  const parsed = [
    [`00-${traceId}-${spanId}-01`, true],
    [`00-${traceId}-${spanId}-00`, false],
    [`00-${traceId}-${spanId}-03`, true],
    [`00-${traceId}-${spanId}-fe`, false],
    [`01-${traceId}-${spanId}-01`, true],
    [`cc-${traceId}-${spanId}-01-what-the-future-will-be-like`, true],
  ] as const
  for (const [header, isSampled] of parsed)
    t.assert.deepStrictEqual(parseTraceparent(header), { traceId, spanId, isSampled }, header)
  const malformed = [
    '',
    traceId,
    `00-${traceId}-${spanId}`,
    `00-${traceId}-${spanId}-1`,
    `00-${traceId}-${spanId}-01-`,
    `00-${traceId}-${spanId}-01-more`,
    `cc-${traceId}-${spanId}-01.more`,
    `ff-${traceId}-${spanId}-01`,
    `0-${traceId}-${spanId}-01`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
    `00-${'0'.repeat(32)}-${spanId}-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    `00-${traceId}-${spanId}-0g`,
    `00-${traceId.slice(1)}-${spanId}-01`,
    ` 00-${traceId}-${spanId}-01`,
    `00-${traceId}-${spanId}-01, 00-${traceId}-${spanId}-01`,
    `00-${traceId}-${spanId}-01\n`,
  ]
  for (const header of malformed) t.assert.strictEqual(parseTraceparent(header), undefined, header)
})

test('tracestate is kept if it is well-formed', (t: TestContext) => {
  const kept = [
    ['vendor=value', 'vendor=value'],
    ['a=1, b=2 ,,c@d=3', 'a=1,b=2,c@d=3'],
    ['3tenant@vendor=x y', '3tenant@vendor=x y'],
    ['', ''],
  ] as const
  for (const [header, state] of kept) t.assert.strictEqual(parseTracestate(header), state)
  const many = (count: number) => Array.from({ length: count }, (_, n) => `k${n}=v`).join()
  t.assert.strictEqual(parseTracestate(many(32)), many(32))
  const dropped = ['a', 'a=', 'A=1', 'a=1,a=2', 'a=1=2', 'a=ü', ' =1', many(33), `a=${'x'.repeat(511)}`, undefined]
  for (const header of dropped) t.assert.strictEqual(parseTracestate(header), '', String(header))
})

test('samplers decide as their names say', (t: TestContext) => {
  const parents = [undefined, { traceId, spanId, isSampled: false }, { traceId, spanId, isSampled: true }]
  const decisions: [SamplerName, ratio: number, boolean[]][] = [
    ['always_on', 0, [true, true, true]],
    ['always_off', 1, [false, false, false]],
    ['traceidratio', 0, [false, false, false]],
    ['traceidratio', 1, [true, true, true]],
    ['parentbased_always_on', 0, [true, false, true]],
    ['parentbased_always_off', 1, [false, false, true]],
    ['parentbased_traceidratio', 0, [false, false, true]],
    ['parentbased_traceidratio', 1, [true, false, true]],
  ]
  for (const [name, ratio, expected] of decisions)
    t.assert.deepStrictEqual(parents.map(openSampler(name, ratio)), expected, `${name} ${ratio}`)
})

test('a ratio samples the same traces in every service', (t: TestContext) => {
  const isSampled = openSampler('traceidratio', 0.25)
  const of = (last56Bits: string) => isSampled({ traceId: `${'f'.repeat(18)}${last56Bits}`, spanId, isSampled: false })
  t.assert.deepStrictEqual(['00000000000000', 'bfffffffffffff', 'c0000000000000', 'ffffffffffffff'].map(of), [
    false,
    false,
    true,
    true,
  ])
  const sampled = Array.from({ length: 10_000 }, () => isSampled(undefined)).filter(Boolean).length
  t.assert.ok(sampled > 2_000 && sampled < 3_000, `${sampled} of 10,000`)
})
