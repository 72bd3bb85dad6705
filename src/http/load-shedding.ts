import type { FastifyReply, FastifyRequest } from 'fastify'

import { throttle } from '../concurrency/throttle.ts'
import { type Problem, tooBusy } from '../problems.ts'
import { hasBody } from './body-parsers.ts'
import type { Connections } from './connections.ts'
import type { App } from './types.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Whether the request counts as active. */
    isActive: boolean
  }
}

/** Milliseconds between two lines in the log that say so. */
const logInterval = 10_000
/** Milliseconds in which nothing more is read from a connection whose request was refused. */
const retryPause = 200

/**
 * Sheds requests to the routes of `app`: responds 503 at once while `limit` others are active, so that those are served soon.
 *
 * A request is active until its handler has made the response, also if the client has disconnected meanwhile; a client that
 * reads its response slowly keeps nobody out. A request with a body becomes active when all of it has arrived. No work is
 * started for a client that has disconnected. Clients that come again at once are read later; a thousand of them left no
 * time for anything but refusing them.
 *
 * @returns tells how many are active
 */
export function shedLoad(app: App, limit: number, connections: Connections): () => number {
  let active = 0
  const warn = throttle(logInterval, (refused) => {
    app.log.warn({ limit, refused }, 'concurrency limit reached; shedding load')
  })

  const refuse = ({ raw: { socket } }: FastifyRequest, reply: FastifyReply): Problem => {
    reply.raw.once('close', () => {
      if (!connections.isOpen(socket)) return
      socket.pause()
      setTimeout(() => socket.resume(), retryPause)
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
    // Not even refused: nobody would read that.
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
  return () => active
}

function isStream(payload: unknown): boolean {
  return typeof (payload as { pipe?: unknown } | null)?.pipe === 'function'
}
