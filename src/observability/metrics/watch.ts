import type { Span } from '../tracing/span.ts'
import type { Tracer } from '../tracing/tracer.ts'
import type { Metrics } from './metrics.ts'

interface Usage {
  inUse: number
  waiting: number
  refused: number
}

/** @returns the semaphore itself */
export function watchSemaphore<Semaphore extends { usage(): Usage }>(
  metrics: Metrics,
  semaphore: string,
  watched: Semaphore,
): Semaphore {
  const labels = { semaphore }
  const gauge = (name: string, help: string, value: () => number) =>
    metrics.read({ name, help, type: 'gauge' }, () => [{ labels, value: value() }])
  gauge('stockroom_semaphore_in_use', 'Permits in use.', () => watched.usage().inUse)
  gauge('stockroom_semaphore_waiting', 'Tasks that wait for a permit.', () => watched.usage().waiting)
  const name = 'stockroom_semaphore_refused_total'
  const help = 'Tasks that were refused because the queue was full or the wait too long.'
  metrics.read({ name, help, type: 'counter' }, () => [{ labels, value: watched.usage().refused }])
  return watched
}

export interface Observability {
  metrics: Metrics
  /** Undefined without a receiver of traces. */
  tracer: Tracer | undefined
}

const sizes = [1, 4, 16, 64]
const seconds = [0.001, 0.005, 0.025, 0.1, 1]

/** Measures batches, and traces those with sampled requests. */
export function observeBatches({ metrics, tracer }: Observability, batch: string) {
  const histogram = (name: string, help: string, bounds: number[]) => metrics.histogram(name, help, bounds, { batch })
  const size = histogram('stockroom_batch_size', 'Requests that shared a statement.', sizes)
  const wait = histogram('stockroom_batch_wait_seconds', 'Time from the first request to the statement.', seconds)
  const run = histogram('stockroom_batch_duration_seconds', 'Duration of the statement, with its retries.', seconds)
  return {
    caller: () => tracer?.current(),
    async run<Result>(about: { size: number; waitMs: number; callers: Span[] }, work: () => Promise<Result>) {
      const sentAt = performance.now()
      try {
        return await (about.callers.length > 0 && tracer ? tracer.runBatch(`batch ${batch}`, about, work) : work())
      } finally {
        size.observe(about.size)
        wait.observe(about.waitMs / 1_000)
        run.observe((performance.now() - sentAt) / 1_000)
      }
    },
  }
}
