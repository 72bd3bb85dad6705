import { once } from 'node:events'
import { Agent, type IncomingMessage, request as requestHttp } from 'node:http'
import { Agent as TlsAgent, request as requestHttps } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Metrics } from '../metrics/metrics.ts'
import { contentType, decodeReply, encodeSpans } from './otlp.ts'
import type { Attributes, Span } from './span.ts'

export interface ExportOptions {
  /** The URL that spans are posted to. */
  url: string
  headers: Record<string, string>
  resource: Attributes
}

export interface Exporter {
  /** Never waits: without room, the span is dropped and counted. */
  add(span: Span): void
  close(): Promise<void>
}

/** Spans. About 2 KiB each, without the texts of statements, which all spans share. */
const maxQueue = 2_048
const maxBatch = 512

/** In milliseconds. The pause between full batches bounds the CPU time that exports take. */
const intervalMs = 5_000
const pauseMs = 100
const timeoutMs = 10_000
const flushTimeoutMs = 2_000
const backoffMs = 1_000
const maxAttempts = 5

/** Of a receiver that may accept the same spans later. */
const temporary = new Set([429, 502, 503, 504])

/** Sends spans to a receiver of OTLP, one batch at a time. */
export function openExporter(options: ExportOptions, metrics: Metrics, warn: (error: unknown) => void): Exporter {
  const post = openPost(options)
  const exported = metrics.counter('stockroom_spans_exported_total', 'Spans that the receiver of traces accepted.')
  const counter = (reason: string) =>
    metrics.counter('stockroom_spans_dropped_total', 'Spans that were not exported.', { reason })
  const dropped = {
    queue_full: counter('queue_full'),
    refused: counter('refused'),
    unavailable: counter('unavailable'),
  }
  const closing = new AbortController()
  const deadline = new AbortController()
  const queue: Span[] = []
  let sending: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined

  const schedule = (ms: number) => {
    clearTimeout(timer)
    timer = setTimeout(sendNext, ms).unref()
  }
  const sendNext = () => {
    sending = send(queue.splice(0, maxBatch)).finally(() => {
      sending = undefined
      if (queue.length > 0) schedule(queue.length < maxBatch ? intervalMs : pauseMs)
    })
  }
  const send = async (spans: Span[]) => {
    const body = encodeSpans(spans, options.resource)
    for (let attempt = 1; ; attempt++) {
      const { status, refused, error } = await post(body, deadline.signal)
      if (refused !== undefined) {
        const lost = Math.min(refused, spans.length)
        exported.add(spans.length - lost)
        dropped.refused.add(lost)
        if (error !== undefined) warn(error)
        return
      }
      const isTemporary = status === undefined || temporary.has(status)
      if (!isTemporary || attempt === maxAttempts || closing.signal.aborted) {
        dropped[isTemporary ? 'unavailable' : 'refused'].add(spans.length)
        return warn(error)
      }
      await sleep(backoffMs * 2 ** (attempt - 1), undefined, { ref: false, signal: closing.signal }).catch(() => {})
    }
  }

  return {
    add(span) {
      if (queue.length === maxQueue) return dropped.queue_full.add()
      queue.push(span)
      if (sending) return
      if (queue.length === 1) schedule(intervalMs)
      else if (queue.length === maxBatch) schedule(pauseMs)
    },
    async close() {
      closing.abort()
      const timeout = setTimeout(() => deadline.abort(), flushTimeoutMs)
      await sending
      clearTimeout(timer)
      while (queue.length > 0) await send(queue.splice(0, maxBatch))
      clearTimeout(timeout)
    },
  }
}

interface Outcome {
  /** Undefined without a response. */
  status?: number
  /** Spans of an accepted request that the receiver refused. Undefined if it did not accept the request. */
  refused?: number
  error?: unknown
}

/** Characters of a response that are kept. */
const maxReply = 64 * 1024

function openPost({ url, headers }: ExportOptions): (body: string, signal: AbortSignal) => Promise<Outcome> {
  const target = new URL(url)
  const isSecure = target.protocol === 'https:'
  const request = isSecure ? requestHttps : requestHttp
  const agent = new (isSecure ? TlsAgent : Agent)({ keepAlive: true, maxSockets: 1 })
  return async (body, closed) => {
    const signal = AbortSignal.any([closed, AbortSignal.timeout(timeoutMs)])
    const allHeaders = { ...headers, 'content-type': contentType, 'content-length': Buffer.byteLength(body) }
    try {
      const sent = request(target, { method: 'POST', headers: allHeaders, agent, signal }).end(body)
      // Once there is a response, that has the error too.
      sent.on('error', () => {})
      const [response] = (await once(sent, 'response')) as [IncomingMessage]
      let reply = ''
      for await (const chunk of response.setEncoding('utf8')) if (reply.length < maxReply) reply += chunk
      const { statusCode: status = 0 } = response
      if (status < 200 || status >= 300)
        return { status, error: new Error(`the receiver of traces responded with ${status}`) }
      const { refused, message } = decodeReply(reply)
      return { status, refused, ...(message !== '' && { error: new Error(`the receiver of traces says: ${message}`) }) }
    } catch (error) {
      return { error }
    }
  }
}
