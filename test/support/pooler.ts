import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

import type { Server } from '../../src/database/server.ts'
import type { Cleanup } from './cleanup.ts'

/** How a BackendKeyData message begins: its type and length. A process ID and a key follow. */
const keyMessage = Buffer.from([0x4b, 0, 0, 0, 12])

/** A server that leads to `server` and gives clients cancellation keys of its own, as poolers do. It ends with the test. */
export async function openPooler(t: Cleanup, server: Server): Promise<Server> {
  const sockets = new Set<Socket>()
  const listener = createServer((client) => {
    const { host, port } = server
    const upstream = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host)
    let isKeySent = false
    upstream.on('data', (bytes: Buffer) => {
      const at = isKeySent ? -1 : bytes.indexOf(keyMessage)
      if (at >= 0) {
        bytes.writeInt32BE(-1, at + keyMessage.length)
        isKeySent = true
      }
      client.write(bytes)
    })
    client.pipe(upstream)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => (socket === client ? upstream : client).destroy())
    }
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    listener.close()
  })
  return { ...server, host: '127.0.0.1', port: (listener.address() as AddressInfo).port }
}
