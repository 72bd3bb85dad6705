import { connect } from 'node:net'

import type { ClientBase } from 'pg'

import type { Server } from './server.ts'

const timeoutMs = 2_000

const cancelRequest = 80_877_102

// Cancels what runs on the connection of `client`, over a connection of its own, as the protocol requires. Poolers forward it.
// Never rejects.
export function cancel({ host, port }: Server, client: ClientBase): Promise<void> {
  const { processID, secretKey } = client as ClientBase & { processID?: number | null; secretKey?: number | null }
  if (typeof processID !== 'number' || typeof secretKey !== 'number') return Promise.resolve()
  const request = Buffer.alloc(16)
  for (const [index, word] of [request.length, cancelRequest, processID, secretKey].entries()) {
    request.writeInt32BE(word, 4 * index)
  }
  const { promise, resolve } = Promise.withResolvers<void>()
  const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host)
  socket.setTimeout(timeoutMs, () => socket.destroy())
  socket.on('error', () => {})
  socket.once('close', () => resolve())
  // The server closes the connection when it is done. Closed from here before, it ends PgBouncer 1.18.
  socket.resume().write(request)
  return promise
}
