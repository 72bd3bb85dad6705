import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

export interface Pipeline {
  serialize(server: Server): void
  isServing(socket: Socket): boolean
  afterRequests(socket: Socket, work: () => void): void
}

interface Connection {
  active: IncomingMessage
  held: (() => void)[]
}

const standardLimits = { perConnection: 100, perProcess: 4_096 }

// Node parses all requests in one read of a socket (up to 64 KiB) and starts them all, so a client that never reads made it
// keep 1,500 responses. Here a connection has one request in progress, and is not read while others wait.
export function openPipeline(onExcess: () => void, limits = standardLimits): Pipeline {
  const connections = new WeakMap<Socket, Connection>()
  let totalHeld = 0

  const hold = (socket: Socket, { held }: Connection, start: () => void) => {
    if (held.length >= limits.perConnection || totalHeld >= limits.perProcess) {
      if (!socket.destroyed) onExcess()
      socket.destroy()
      return
    }
    if (held.length === 0) stopReading(socket, held)
    held.push(start)
    totalHeld++
  }

  const forget = (socket: Socket, { held }: Connection) => {
    connections.delete(socket)
    totalHeld -= held.length
    held.length = 0
  }

  const serve = (handle: RequestListener, request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request
    const connection = connections.get(socket) ?? { active: request, held: [] }
    connection.active = request
    connections.set(socket, connection)
    // Node drops what follows in the same read, as another protocol, so a later response would count for a dropped request.
    if (request.headers.upgrade !== undefined) response.shouldKeepAlive = false
    response.once('close', () => {
      if (socket.destroyed) return forget(socket, connection)
      const next = connection.held.shift()
      if (next === undefined) return forget(socket, connection)
      totalHeld--
      if (connection.held.length === 0) socket.resume()
      next()
    })
    handle(request, response)
  }

  return {
    serialize(server) {
      const [handle] = server.listeners('request') as [RequestListener]
      server.removeAllListeners('request')
      server.on('request', (request, response) => {
        const { socket } = request
        const connection = connections.get(socket)
        if (connection === undefined) serve(handle, request, response)
        else hold(socket, connection, () => serve(handle, request, response))
      })
    },
    isServing: (socket) => connections.get(socket)?.active.complete === true,
    afterRequests(socket, work) {
      const connection = connections.get(socket)
      if (connection === undefined) work()
      else hold(socket, connection, work)
    },
  }
}

/** Node resumes a socket whenever it expects the next request. */
function stopReading(socket: Socket, held: unknown[]): void {
  const pause = () => {
    if (held.length > 0) socket.pause()
    else socket.off('resume', pause)
  }
  socket.on('resume', pause)
  socket.pause()
}
