import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

import type { Cleanup } from './cleanup.ts'

const head = 'POST /store-managers HTTP/1.1\r\nHost: localhost\r\nX: '
const body =
  'POST /store-managers HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n'

/** Opens clients that send a byte now and then, of the headers or of the body. To be called first, for what is opened first ends first. */
export function openSlowClients(t: Cleanup): (port: number, number: number) => Promise<Socket[]> {
  const sockets: Socket[] = []
  const timer = setInterval(() => sockets.forEach((socket) => socket.writable && socket.write('x')), 100)
  t.after(() => {
    clearInterval(timer)
    sockets.forEach((socket) => socket.destroy())
  })
  return async (port, number) => {
    for (let index = 0; index < number; index++) {
      const socket = connect({ host: '127.0.0.1', port })
      socket.on('error', () => {})
      socket.resume().write(index % 2 ? head : body)
      sockets.push(socket)
    }
    await Promise.all(sockets.filter(({ connecting }) => connecting).map((socket) => once(socket, 'connect')))
    return sockets
  }
}
