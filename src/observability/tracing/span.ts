import { randomBytes } from 'node:crypto'

export type Attributes = Record<string, string | number>

export type Kind = 'internal' | 'server' | 'client'

/** Protects the memory and the network from requests with very many statements. */
const maxSpans = 100
const maxLinks = 100

/** What the spans of one request share. */
export class Trace {
  readonly id: string
  readonly state: string
  readonly finish: (span: Span) => void
  /** Unix time of `performance.now() === 0`, in milliseconds, as of the begin of the trace. */
  readonly timeOrigin = Date.now() - performance.now()
  #spans = 0

  constructor(id: string, state: string, finish: (span: Span) => void) {
    this.id = id
    this.state = state
    this.finish = finish
  }

  /** @returns undefined if the trace has too many spans */
  start(parentId: string | undefined, kind: Kind, name: string, attributes: Attributes): Span | undefined {
    if (this.#spans === maxSpans) return undefined
    this.#spans++
    return new Span(this, parentId, kind, name, attributes)
  }
}

export class Span {
  readonly trace: Trace
  readonly id = randomId(8)
  readonly parentId: string | undefined
  readonly kind: Kind
  name: string
  readonly attributes: Attributes
  readonly links: { traceId: string; spanId: string }[] = []
  readonly startedAt = performance.now()
  endedAt: number | undefined
  hasFailed = false

  constructor(trace: Trace, parentId: string | undefined, kind: Kind, name: string, attributes: Attributes) {
    this.trace = trace
    this.parentId = parentId
    this.kind = kind
    this.name = name
    this.attributes = attributes
  }

  start(kind: Kind, name: string, attributes: Attributes): Span | undefined {
    return this.trace.start(this.id, kind, name, attributes)
  }

  link({ trace, id }: Span): void {
    if (this.links.length < maxLinks) this.links.push({ traceId: trace.id, spanId: id })
  }

  end(): void {
    this.endedAt = performance.now()
    this.trace.finish(this)
  }

  /** Only the code of the error: its message may quote a value. */
  setError(error: unknown): void {
    const { code, name } = error as Error & { code?: unknown }
    this.attributes['error.type'] = typeof code === 'string' ? code : name
  }

  fail(error: unknown): void {
    this.setError(error)
    this.hasFailed = true
    this.end()
  }
}

export function randomId(bytes: number): string {
  return randomBytes(bytes).toString('hex')
}
