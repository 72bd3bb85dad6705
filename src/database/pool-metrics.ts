import type { Histogram } from '../observability/metrics/metrics.ts'
import type { Observability } from '../observability/metrics/watch.ts'
import { summaryOf } from './statement-summary.ts'

export interface PoolObservations {
  statement<Result>(text: string, running: Promise<Result>): Promise<Result>
  wait<Result>(waiting: Promise<Result>): Promise<Result>
}

interface PoolUsage {
  inUse: number
  idle: number
  waiting: number
  connected: number
  lost: number
}

interface ObservedStatement {
  name: string
  ok: Histogram
  error: Histogram
}

const ofStatements = 'Duration of SQL statements by verb and table.'

/** Texts of statements. There are fewer: each is one of the code, with some of the filters. */
const maxKnown = 1_000

/** In seconds. */
const bounds = [0.001, 0.005, 0.025, 0.1, 1, 5]

export function observePool({ metrics, tracer }: Observability, usage: () => PoolUsage): PoolObservations {
  const help = 'Connections by state; waiting: requests that wait for one.'
  metrics.read({ name: 'stockroom_postgres_connections', help, type: 'gauge' }, () => {
    const { inUse, idle, waiting } = usage()
    return Object.entries({ in_use: inUse, idle, waiting }).map(([state, value]) => ({ labels: { state }, value }))
  })
  const count = (name: string, about: string, value: () => number) =>
    metrics.read({ name, help: about, type: 'counter' }, () => [{ value: value() }])
  count('stockroom_postgres_connects_total', 'Connections that were opened.', () => usage().connected)
  count('stockroom_postgres_lost_total', 'Connections that were found broken.', () => usage().lost)

  const histogram = (statement: string, outcome: string) =>
    metrics.histogram('stockroom_statement_duration_seconds', ofStatements, bounds, { statement, outcome })
  const known = new Map<string, ObservedStatement>()
  const observed = (text: string): ObservedStatement => {
    const earlier = known.get(text)
    if (earlier) return earlier
    const name = summaryOf(text)
    const statement = { name, ok: histogram(name, 'ok'), error: histogram(name, 'error') }
    if (known.size < maxKnown) known.set(text, statement)
    return statement
  }
  const waits = metrics.histogram('stockroom_postgres_wait_seconds', 'Time until a connection was free.', bounds)
  return {
    statement(text, running) {
      const { name, ok, error } = observed(text)
      const measured = measure(running, ok, error)
      return tracer?.statement(name, text, measured) ?? measured
    },
    wait: (waiting) => measure(waiting, waits, waits),
  }
}

async function measure<Result>(running: Promise<Result>, ok: Histogram, error: Histogram): Promise<Result> {
  const begunAt = performance.now()
  try {
    const result = await running
    ok.observe((performance.now() - begunAt) / 1_000)
    return result
  } catch (failure) {
    error.observe((performance.now() - begunAt) / 1_000)
    throw failure
  }
}
