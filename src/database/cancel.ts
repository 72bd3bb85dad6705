import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

import type { ClientBase } from 'pg'

import { tlsOptions } from '../tls.ts'
import type { Server } from './server.ts'

const timeoutMs = 2_000

const cancelRequest = 80_877_102
const tlsRequest = 80_877_103

// Cancels what runs on the connection of `client`, over another one, as the protocol requires. Poolers forward it. Never rejects.
export function cancel(server: Server, client: ClientBase): Promise<void> {
  const { processID, secretKey } = client as ClientBase & { processID?: number | null; secretKey?: number | null }
  if (typeof processID !== 'number' || typeof secretKey !== 'number') return Promise.resolve()
  const { host, port, tls } = server
  const { promise, resolve } = Promise.withResolvers<void>()
  const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host)
  socket.setTimeout(timeoutMs, () => socket.destroy())
  socket.on('error', () => {})
  socket.once('close', () => resolve())
  const request = message(cancelRequest, processID, secretKey)
  // The server closes the connection when it is done. Closed from here before, it ends PgBouncer 1.18.
  if (tls === undefined) socket.resume().write(request)
  else encrypt(socket, server, (encrypted) => encrypted.resume().write(request))
  return promise
}

/** The key in a request for cancellation must not be readable on the network. */
function encrypt(socket: Socket, { host, tls }: Server, use: (encrypted: Socket) => void): void {
  socket.write(message(tlsRequest))
  socket.once('data', (response) => {
    if (tls === undefined || response.toString() !== 'S') return socket.destroy()
    const name = isIP(host) === 0 ? { servername: host } : {}
    const encrypted = connectTls({ socket, host, ...name, ...tlsOptions(tls) })
    encrypted.on('error', () => socket.destroy())
    use(encrypted)
    return undefined
  })
}

function message(...words: number[]): Buffer {
  const bytes = Buffer.alloc(4 * (words.length + 1))
  for (const [index, word] of [bytes.length, ...words].entries()) bytes.writeInt32BE(word, 4 * index)
  return bytes
}
