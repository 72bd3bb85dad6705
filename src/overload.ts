import type { ServerResponse } from 'node:http'

import type { FastifyReply, FastifyRequest } from 'fastify'

import type { Connections } from './connections.ts'
import type { App } from './fastify.ts'
import { type Problem, tooBusy } from './problems.ts'
import { seldom } from './seldom.ts'

/** Milliseconds between two lines in the log that say so. */
const silence = 10_000
/** Milliseconds in which nothing more is read from a connection whose request was refused. */
const pause = 200

/**
 * Answers 503 at once to requests that come while `limit` others are at work, so that those are answered soon.
 * A request with a body is at work from when all of it is there: those who send theirs slowly keep nobody out.
 * Clients that come again at once are read later; a thousand of them left no time for anything but refusing them.
 *
 * @returns tells how many are at work
 */
export function shedLoad(app: App, limit: number, connections: Connections): () => number {
  let atWork = 0
  const warn = seldom(silence, (refused) => {
    app.log.warn({ limit, refused }, 'more requests than can be served at a time: those beyond the limit are refused')
  })
  function leave(this: ServerResponse) {
    atWork--
    connections.endWork(this.req.socket)
  }

  const refuse = ({ raw: { socket } }: FastifyRequest, reply: FastifyReply): Problem => {
    reply.raw.once('close', () => {
      socket.pause()
      setTimeout(() => socket.resume(), pause)
    })
    warn()
    return tooBusy('More requests than can be served came at once: try again.', 1)
  }

  const enter = ({ raw }: FastifyReply) => {
    if (raw.closed) return
    atWork++
    connections.startWork(raw.req.socket)
    raw.once('close', leave)
  }

  app.addHook('onRequest', (request, reply, done) => {
    if (atWork >= limit) return done(refuse(request, reply))
    if (!hasBody(request)) enter(reply)
    done()
  })
  app.addHook('preValidation', (request, reply, done) => {
    if (!hasBody(request)) return done()
    if (atWork >= limit) return done(refuse(request, reply))
    enter(reply)
    done()
  })
  return () => atWork
}

function hasBody({ raw: { headers } }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
}
