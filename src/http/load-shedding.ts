import type { FastifyReply, FastifyRequest } from 'fastify'

import { throttle } from '../concurrency/throttle.ts'
import { type Problem, tooBusy } from '../problems.ts'
import { hasBody } from './body-parsers.ts'
import type { Connections } from './connections.ts'
import type { App } from './types.ts'

declare module 'fastify' {
  interface FastifyRequest {
    isActive: boolean
  }
}

const logIntervalMs = 10_000
/** A connection whose request was shed is not read for this long. */
const retryPauseMs = 200

// A request with a body becomes active when all of it has arrived, and stays active until its handler is done, even if the
// client has disconnected. Clients that retry immediately are paused: a thousand of them left no CPU for other requests.
export function shedLoad(app: App, limit: number, connections: Connections): () => number {
  let active = 0
  const warn = throttle(logIntervalMs, (refused) => {
    app.log.warn({ limit, refused }, 'concurrency limit reached; shedding load')
  })

  const refuse = ({ raw: { socket } }: FastifyRequest, reply: FastifyReply): Problem => {
    reply.raw.once('close', () => {
      if (!connections.isOpen(socket)) return
      socket.pause()
      setTimeout(() => socket.resume(), retryPauseMs)
    })
    warn()
    return tooBusy('The server is overloaded. Try again later.', 1)
  }

  const enter = (request: FastifyRequest) => {
    active++
    request.isActive = true
    connections.markActive(request.raw.socket)
  }
  const leave = (request: FastifyRequest) => {
    if (!request.isActive) return
    active--
    request.isActive = false
    connections.markIdle(request.raw.socket)
  }

  const admit = (request: FastifyRequest, reply: FastifyReply, done: (refusal?: Problem) => void) => {
    // The client has disconnected, so nothing would read the response.
    if (request.raw.socket.destroyed) return
    if (active >= limit) return done(refuse(request, reply))
    enter(request)
    done()
  }
  app.addHook('onRequest', (request, reply, done) => (hasBody(request) ? done() : admit(request, reply, done)))
  app.addHook('preValidation', (request, reply, done) => (hasBody(request) ? admit(request, reply, done) : done()))
  app.addHook('onSend', (request, reply, payload, done) => {
    if (isStream(payload)) reply.raw.once('close', () => leave(request))
    else leave(request)
    done(null, payload)
  })
  app.requestMetrics.watchActive(() => active)
  return () => active
}

function isStream(payload: unknown): boolean {
  return typeof (payload as { pipe?: unknown } | null)?.pipe === 'function'
}
