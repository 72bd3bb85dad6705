import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

import { type FastifyReply, type FastifyRequest, LogController } from 'fastify'

import { Problem } from '../problems.ts'
import { clientDisconnected } from './request-metrics.ts'
import { endTrace, traceFields } from './request-traces.ts'
import type { App } from './types.ts'

export function identifyRequest({ headers }: IncomingMessage): string {
  const given = headers['x-request-id']
  return typeof given === 'string' && /^[\w.-]{1,64}$/.test(given) ? given : randomUUID()
}

/** Fastify logs only aborted responses; `logRequests` and `handleError` log the rest. */
export class RequestLog extends LogController {
  constructor() {
    super({ disableRequestLogging: true })
  }

  override streamError(error: NodeJS.ErrnoException, request: FastifyRequest): void {
    if (error.code === 'ERR_STREAM_PREMATURE_CLOSE' || request.raw.socket.destroyed) return
    request.server.requestMetrics.abortedResponses.add()
    request.trace?.span?.setError(error)
    const event = 'response aborted'
    if (error instanceof Problem && error.status < 500) {
      request.log.info({ reqId: request.id, reason: error.message }, event)
    } else request.log.warn({ reqId: request.id, err: error }, event)
  }
}

/** The path is left out, because it is text of the client. */
export function logRequests(app: App): void {
  app.addHook('onRequest', (request, reply, done) => {
    logRequest(request, reply)
    done()
  })
}

/** For requests whose path cannot be decoded, which no hook sees. */
export function logRequest(request: FastifyRequest, reply: FastifyReply): void {
  reply.header('x-request-id', request.id)
  let isLogged = false
  const write = (status: number) => {
    if (isLogged) return
    isLogged = true
    const { id: reqId, method, routeOptions, server } = request
    const ms = Math.round(reply.elapsedTime * 10) / 10
    const { metrics = server.requestMetrics.unmatched } = routeOptions.config
    metrics.record(status, reply.elapsedTime)
    endTrace(request, status)
    request.log.info({ reqId, method, route: routeOptions?.url, status, ms, ...traceFields(request) }, 'request')
  }
  reply.raw.once('finish', () => write(reply.statusCode))
  reply.raw.once('close', () => write(clientDisconnected))
}
