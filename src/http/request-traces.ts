import type { FastifyRequest } from 'fastify'

import type { RequestTrace, Tracer } from '../observability/tracing/tracer.ts'
import type { App } from './types.ts'

declare module 'fastify' {
  interface FastifyRequest {
    trace: RequestTrace | undefined
  }
}

export function traceRequests(app: App, tracer: Tracer | undefined): void {
  app.decorateRequest('trace')
  if (tracer === undefined) return
  app.addHook('onRequest', (request, _reply, done) => {
    request.trace = tracer.startRequest(request.headers)
    tracer.enter(request.trace?.span, done)
  })
}

/** Ends the span of a request. The path is left out, because it is text of the client. */
export function endTrace({ trace, method, routeOptions: { url } }: FastifyRequest, status: number): void {
  const span = trace?.span
  if (span === undefined) return
  span.name = url === undefined ? method : `${method} ${url}`
  span.attributes['http.request.method'] = method
  if (url !== undefined) span.attributes['http.route'] = url
  span.attributes['http.response.status_code'] = status
  span.hasFailed ||= status >= 500
  span.end()
}

/** Fields of the log that lead from a line to its trace. */
export function traceFields({ trace }: FastifyRequest): object | undefined {
  return trace && { trace_id: trace.id, span_id: trace.span?.id }
}
