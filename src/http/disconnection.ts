import type { FastifyReply } from 'fastify'

import { Problem } from '../problems.ts'

/** Aborted when the client disconnects, so that work that has not begun need not begin. */
export function disconnectionOf(reply: FastifyReply): AbortSignal {
  const disconnected = new AbortController()
  reply.raw.once('close', () => disconnected.abort(new Problem('malformed_request', 'The client has disconnected.')))
  return disconnected.signal
}
