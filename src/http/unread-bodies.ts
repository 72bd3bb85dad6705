import type { IncomingMessage } from 'node:http'

import type { FastifyRequest } from 'fastify'

import { hasBody } from './body-parsers.ts'
import type { Connections } from './connections.ts'
import type { App } from './types.ts'

/** As in nginx: in total, and without any data. */
const maxDurationMs = 30_000
const idleTimeoutMs = 5_000

// Keeps reading a body for a while after an early response. Closing the connection at once would reset it, and the client might
// never see the response.
export function discardUnreadBodies(app: App, connections: Connections): void {
  const isUnread = (request: FastifyRequest) =>
    !request.raw.complete && hasBody(request) && connections.isOpen(request.raw.socket)

  app.addHook('onSend', (request, reply, payload, done) => {
    // Node would close the connection after the response.
    if (isUnread(request)) {
      reply.removeHeader('connection')
      reply.raw.shouldKeepAlive = true
    }
    done(null, payload)
  })
  app.addHook('onResponse', (request, _reply, done) => {
    if (isUnread(request)) discardRest(request.raw, connections)
    done()
  })
}

function discardRest(request: IncomingMessage, connections: Connections): void {
  const { socket } = request
  let bytesSeen = socket.bytesRead
  const checkProgress = () => {
    if (socket.bytesRead === bytesSeen) {
      socket.destroy()
      return
    }
    bytesSeen = socket.bytesRead
    timer = setTimeout(checkProgress, idleTimeoutMs)
  }
  let timer = setTimeout(checkProgress, idleTimeoutMs)
  const end = setTimeout(() => socket.destroy(), maxDurationMs)
  const stop = () => {
    clearTimeout(timer)
    clearTimeout(end)
  }
  // Otherwise the server would send a second response when the request times out.
  connections.exemptFromTimeout(socket)
  socket.once('close', stop)
  request.once('end', () => {
    stop()
    connections.clearExemption(socket)
    if (request.headers.connection?.toLowerCase() === 'close') socket.end()
  })
  request.resume()
}
