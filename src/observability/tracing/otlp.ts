import type { Attributes, Span } from './span.ts'

export const contentType = 'application/json'

const scope = { name: 'stockroom' }
const kinds = { internal: 1, server: 2, client: 3 }
const failed = { code: 2 }

/** The JSON encoding of OTLP: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding */
export function encodeSpans(spans: Span[], resource: Attributes): string {
  const resourceSpans = [
    { resource: { attributes: encodeAttributes(resource) }, scopeSpans: [{ scope, spans: spans.map(encodeSpan) }] },
  ]
  return JSON.stringify({ resourceSpans })
}

interface Reply {
  partialSuccess?: { rejectedSpans?: string | number; errorMessage?: string }
}

/** What a receiver that accepted a request says about it. Some say nothing, or do not say it in JSON. */
export function decodeReply(text: string): { refused: number; message: string } {
  try {
    const { rejectedSpans = 0, errorMessage = '' } = (JSON.parse(text) as Reply).partialSuccess ?? {}
    const refused = Math.max(0, Number(rejectedSpans) || 0)
    const message = errorMessage || (refused > 0 ? `${refused} spans were refused` : '')
    return { refused, message: message.slice(0, maxMessage) }
  } catch {
    return { refused: 0, message: '' }
  }
}

const maxMessage = 500

function encodeSpan({ trace, id, parentId, kind, name, attributes, links, startedAt, endedAt, hasFailed }: Span) {
  return {
    traceId: trace.id,
    spanId: id,
    traceState: trace.state || undefined,
    parentSpanId: parentId,
    name,
    kind: kinds[kind],
    startTimeUnixNano: nanoseconds(trace.timeOrigin + startedAt),
    endTimeUnixNano: nanoseconds(trace.timeOrigin + (endedAt ?? startedAt)),
    attributes: encodeAttributes(attributes),
    links: links.length > 0 ? links : undefined,
    status: hasFailed ? failed : undefined,
  }
}

function encodeAttributes(attributes: Attributes): object[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: encodeValue(value) }))
}

function encodeValue(value: string | number): object {
  if (typeof value === 'string') return { stringValue: value }
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value }
}

/** Nanoseconds since 1970 are more than a double can count. */
function nanoseconds(ms: number): string {
  const whole = Math.floor(ms)
  return `${whole}${String(Math.floor((ms - whole) * 1e6)).padStart(6, '0')}`
}
