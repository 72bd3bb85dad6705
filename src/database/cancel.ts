import { connect } from 'node:net'

import type { ClientBase } from 'pg'

import type { Server } from './server.ts'

/** Milliseconds. */
const timeout = 2_000

/** The code of a CancelRequest in place of a protocol version. */
const cancelRequest = 80_877_102

/**
 * Asks PostgreSQL to end what runs on the connection of `client`, on a connection of its own, as the protocol wants it. Poolers
 * pass it on. Resolves when the request was taken, or cannot be; never rejects.
 */
export function cancel({ host, port }: Server, client: ClientBase): Promise<void> {
  const { processID, secretKey } = client as ClientBase & { processID?: number | null; secretKey?: number | null }
  if (typeof processID !== 'number' || typeof secretKey !== 'number') return Promise.resolve()
  const request = Buffer.alloc(16)
  for (const [index, word] of [request.length, cancelRequest, processID, secretKey].entries()) {
    request.writeInt32BE(word, 4 * index)
  }
  const { promise, resolve } = Promise.withResolvers<void>()
  const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host)
  socket.setTimeout(timeout, () => socket.destroy())
  socket.on('error', () => {})
  socket.once('close', () => resolve())
  // The server closes the connection when it is done. Closed from here before that, it ends PgBouncer 1.18.
  socket.resume().write(request)
  return promise
}
