import { AsyncLocalStorage } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

import packageJson from '../../../package.json' with { type: 'json' }
import type { Metrics } from '../metrics/metrics.ts'
import { type Exporter, type ExportOptions, openExporter } from './exporter.ts'
import { openSampler, type Sampler, type SamplerName } from './sampler.ts'
import { randomId, type Span, Trace } from './span.ts'
import { parseTraceparent, parseTracestate } from './trace-context.ts'

export interface TracingOptions extends ExportOptions {
  sampler: SamplerName
  /** Of the requests that a sampler by ratio traces. */
  ratio: number
}

/** The trace that a request belongs to. */
export interface RequestTrace {
  id: string
  /** Undefined if the request is not sampled. */
  span: Span | undefined
}

interface Batch {
  size: number
  waitMs: number
  /** The sampled requests. */
  callers: Span[]
}

const database = { 'db.system.name': 'postgresql' }

/** Traces sampled requests. For others, every method returns immediately. */
export class Tracer {
  readonly #context = new AsyncLocalStorage<Span | undefined>()
  readonly #isSampled: Sampler
  readonly #exporter: Exporter

  constructor(options: TracingOptions, metrics: Metrics, warn: (error: unknown) => void) {
    this.#isSampled = openSampler(options.sampler, options.ratio)
    const resource = { 'service.version': packageJson.version, 'service.instance.id': randomUUID() }
    this.#exporter = openExporter({ ...options, resource: { ...resource, ...options.resource } }, metrics, warn)
  }

  /** @returns undefined if the request is not sampled and its caller has no trace either */
  startRequest({ traceparent, tracestate }: IncomingHttpHeaders): RequestTrace | undefined {
    const parent = traceparent === undefined ? undefined : parseTraceparent(traceparent)
    if (!this.#isSampled(parent)) return parent && { id: parent.traceId, span: undefined }
    const state = parent ? parseTracestate(tracestate) : ''
    const trace = new Trace(parent?.traceId ?? randomId(16), state, (span) => this.#exporter.add(span))
    return { id: trace.id, span: trace.start(parent?.spanId, 'server', '', {}) }
  }

  /** The span that the caller runs in, unless it has ended: what a request starts may outlive it. */
  current(): Span | undefined {
    const span = this.#context.getStore()
    return span?.endedAt === undefined ? span : undefined
  }

  /** Runs `work` in `span`, or in none. */
  enter(span: Span | undefined, work: () => void): void {
    if (span === this.#context.getStore()) work()
    else this.#context.run(span, work)
  }

  /** Runs `work` in a span of its own. */
  run<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    return this.#runIn(this.current()?.start('internal', name, {}), work)
  }

  /** Gives a statement that was just sent a span of its own. @param text without values: those are parameters */
  statement<Result>(name: string, text: string, running: Promise<Result>): Promise<Result> {
    const span = this.current()?.start('client', name, { ...database, 'db.query.text': text })
    return span ? this.#end(span, running) : running
  }

  /**
   * Runs a batch in one span. Its parent is the first request, it links to all, and the others link to it, so that each trace
   * leads to what the request waited for.
   */
  runBatch<Result>(name: string, { size, waitMs, callers }: Batch, work: () => Promise<Result>): Promise<Result> {
    const attributes = { 'stockroom.batch.size': size, 'stockroom.batch.wait_ms': waitMs }
    const [first, ...others] = callers
    const span = first?.start('internal', name, attributes)
    if (span) {
      for (const caller of callers) span.link(caller)
      for (const caller of others) caller.link(span)
    }
    return this.#runIn(span, work)
  }

  /** Exports what has ended so far, within its time. */
  close(): Promise<void> {
    return this.#exporter.close()
  }

  #runIn<Result>(span: Span | undefined, work: () => Promise<Result>): Promise<Result> {
    return span ? this.#end(span, this.#context.run(span, work)) : work()
  }

  async #end<Result>(span: Span, running: Promise<Result>): Promise<Result> {
    try {
      const result = await running
      span.end()
      return result
    } catch (error) {
      span.fail(error)
      throw error
    }
  }
}
