import type { FastifyReply } from 'fastify'

import { Problem } from '../problems.ts'

/** Aborted when the client disconnects, so that work that has not begun need not begin. */
export function disconnectionOf(reply: FastifyReply, disconnected = new AbortController()): AbortSignal {
  const abort = () => disconnected.abort(new Problem('malformed_request', 'The client has disconnected.'))
  if (reply.raw.destroyed) abort()
  else reply.raw.once('close', abort)
  return disconnected.signal
}
