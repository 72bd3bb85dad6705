import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import { closeAfter, type Cleanup } from './cleanup.ts'

type Value = { stringValue: string } | { intValue: string } | { doubleValue: number }

interface KeyValue {
  key: string
  value: Value
}

interface Encoded {
  traceId: string
  spanId: string
  parentSpanId?: string
  traceState?: string
  name: string
  kind: number
  startTimeUnixNano: string
  endTimeUnixNano: string
  attributes: KeyValue[]
  links?: { traceId: string; spanId: string }[]
  status?: { code: number }
}

export interface ReceivedSpan extends Omit<Encoded, 'attributes'> {
  attributes: Record<string, string | number>
  resource: Record<string, string | number>
}

export interface TraceReceiver {
  url: string
  spans: ReceivedSpan[]
  /** The bodies, as they were sent. */
  bodies: string[]
  headers: IncomingHttpHeaders[]
  named(name: string): ReceivedSpan
}

/** Receives spans as OTLP over HTTP. @param respond for what a receiver that works does */
export async function openTraceReceiver(
  t: Cleanup,
  respond = (response: ServerResponse) => void response.writeHead(200, json).end('{}'),
): Promise<TraceReceiver> {
  const spans: ReceivedSpan[] = []
  const bodies: string[] = []
  const headers: IncomingHttpHeaders[] = []
  const receive = async (request: IncomingMessage, response: ServerResponse) => {
    const body = (await request.setEncoding('utf8').toArray()).join('')
    if (request.method === 'POST' && request.url === '/v1/traces') {
      bodies.push(body)
      headers.push(request.headers)
      spans.push(...decode(body))
      respond(response)
    } else response.writeHead(404).end()
  }
  const server = createServer((request, response) => void receive(request, response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  closeAfter(t, () => {
    server.close()
    server.closeAllConnections()
  })
  const named = (name: string) => {
    const found = spans.filter((span) => span.name === name)
    if (found.length !== 1)
      throw new Error(`${found.length} spans are named ${name}: ${spans.map((span) => span.name).join()}`)
    return found[0] as ReceivedSpan
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spans, bodies, headers, named }
}

const json = { 'content-type': 'application/json' }

interface Request {
  resourceSpans: { resource: { attributes: KeyValue[] }; scopeSpans: { scope: { name: string }; spans: Encoded[] }[] }[]
}

/** @throws Error if a span is not as OTLP defines it */
function decode(body: string): ReceivedSpan[] {
  const { resourceSpans } = JSON.parse(body) as Request
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => {
        assertValid(span)
        return {
          ...span,
          attributes: decodeAttributes(span.attributes),
          resource: decodeAttributes(resource.attributes),
        }
      }),
    ),
  )
}

function assertValid(span: Encoded): void {
  const ids = [span, ...(span.links ?? [])]
  const isValid =
    ids.every(({ traceId, spanId }) => /^[0-9a-f]{32}$/.test(traceId) && /^[0-9a-f]{16}$/.test(spanId)) &&
    (span.parentSpanId === undefined || /^[0-9a-f]{16}$/.test(span.parentSpanId)) &&
    [span.startTimeUnixNano, span.endTimeUnixNano].every((time) => /^\d{19}$/.test(time)) &&
    span.startTimeUnixNano <= span.endTimeUnixNano &&
    span.kind >= 1 &&
    span.kind <= 5
  if (!isValid) throw new Error(`not a span: ${JSON.stringify(span)}`)
}

function decodeAttributes(attributes: KeyValue[]): Record<string, string | number> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => {
      if ('intValue' in value) return [key, Number(value.intValue)]
      return [key, 'doubleValue' in value ? value.doubleValue : value.stringValue]
    }),
  )
}
