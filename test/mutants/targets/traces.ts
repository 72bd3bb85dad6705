import type { Target } from '../mutant.ts'

const tracing = 'src/observability/tracing'

export const traceTargets: Target[] = [
  {
    file: `${tracing}/trace-context.ts`,
    tests: ['observability/tracing/trace-context'],
    mistakes: [
      { what: 'a version that must not be used is accepted', before: "version === 'ff' ||", after: '' },
      {
        what: 'a trace without an ID is accepted',
        before: 'if (zeros.test(traceId) || zeros.test(spanId)) return undefined',
        after: '',
      },
      { what: 'names of tracestate may repeat', before: '&& names.size === members.length', after: '' },
    ],
  },
  {
    file: `${tracing}/sampler.ts`,
    tests: ['observability/tracing/trace-context'],
    mistakes: [
      { what: 'the decision of the caller is ignored', before: 'parent?.isSampled ?? sample', after: 'sample' },
      {
        what: 'services of one trace decide differently',
        before: 'randomness(parent.traceId)',
        after: 'Math.random()',
      },
    ],
  },
  {
    file: `${tracing}/span.ts`,
    tests: ['observability/tracing/tracing'],
    mistakes: [
      { what: 'a request may have any number of spans', before: 'this.#spans === maxSpans', after: 'false' },
      { what: 'a failed statement is no error', before: 'this.hasFailed = true', after: '' },
    ],
  },
  {
    file: 'src/database/statement-summary.ts',
    tests: ['database/statement-summary'],
    mistakes: [{ what: 'a lock is taken for an update', before: 'of\\b|', after: '' }],
  },
  {
    file: `${tracing}/tracer.ts`,
    tests: ['observability/tracing/tracing'],
    mistakes: [
      {
        what: 'what outlives its request is traced',
        before: 'span?.endedAt === undefined ? span : undefined',
        after: 'span',
      },
      {
        what: 'only a batch leads to its requests',
        before: 'for (const caller of others) caller.link(span)',
        after: '',
      },
      { what: 'the state of a trace is lost', before: 'parent ? parseTracestate(tracestate) :', after: '' },
    ],
  },
  {
    file: `${tracing}/otlp.ts`,
    tests: ['observability/tracing/tracing'],
    mistakes: [{ what: 'times are in microseconds', before: 'padStart(6', after: 'padStart(3' }],
  },
  {
    file: `${tracing}/exporter.ts`,
    tests: ['observability/tracing/exporter'],
    mistakes: [
      { what: 'the queue has no limit', before: 'queue.length === maxQueue', after: 'false' },
      {
        what: 'spans of a busy receiver are dropped',
        before: '!isTemporary || attempt',
        after: 'attempt > 0 || attempt',
      },
      {
        what: 'what is left at the end is lost',
        before: 'while (queue.length > 0) await',
        after: 'while (false) await',
      },
      {
        what: 'a receiver that never responds keeps the process running',
        before: 'setTimeout(() => deadline.abort(), flushTimeoutMs)',
        after: 'undefined',
      },
    ],
  },
  {
    file: 'src/http/request-traces.ts',
    tests: ['observability/tracing/tracing'],
    mistakes: [{ what: 'a span of 500 is no error', before: 'status >= 500', after: 'false' }],
  },
]
