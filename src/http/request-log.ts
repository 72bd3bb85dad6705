import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

import { type FastifyReply, type FastifyRequest, LogController } from 'fastify'

import { Problem } from '../problems.ts'
import type { App } from './types.ts'

/** The id of a request: the one its client gave, if that is fit for a log, or a new one. */
export function identifyRequest({ headers }: IncomingMessage): string {
  const given = headers['x-request-id']
  return typeof given === 'string' && /^[\w.-]{1,64}$/.test(given) ? given : randomUUID()
}

/** What Fastify itself says of a request: that its response was broken off. The rest is said by `logRequests` and `handleError`. */
export class RequestLog extends LogController {
  constructor() {
    super({ disableRequestLogging: true })
  }

  override streamError(error: NodeJS.ErrnoException, request: FastifyRequest): void {
    // The line of the request says that its client has disconnected.
    if (error.code === 'ERR_STREAM_PREMATURE_CLOSE' || request.raw.socket.destroyed) return
    const event = 'response aborted'
    if (error instanceof Problem && error.status < 500) {
      request.log.info({ reqId: request.id, reason: error.message }, event)
    } else request.log.warn({ reqId: request.id, err: error }, event)
  }
}

/** The status that the log shows for a request whose client disconnected before it had the whole response. */
const clientDisconnected = 499

/** Writes one line for each request, and its id into the answer. The path stays out: it is the client's own text. */
export function logRequests(app: App): void {
  app.addHook('onRequest', (request, reply, done) => {
    logRequest(request, reply)
    done()
  })
}

/** The same for one request, which the hooks do not see if its path cannot be decoded. */
export function logRequest(request: FastifyRequest, reply: FastifyReply): void {
  reply.header('x-request-id', request.id)
  let isLogged = false
  const write = (status: number) => {
    if (isLogged) return
    isLogged = true
    const { id: reqId, method, routeOptions } = request
    const ms = Math.round(reply.elapsedTime * 10) / 10
    request.log.info({ reqId, method, route: routeOptions?.url, status, ms }, 'request')
  }
  reply.raw.once('finish', () => write(reply.statusCode))
  reply.raw.once('close', () => write(clientDisconnected))
}
