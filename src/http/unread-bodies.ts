import type { IncomingMessage } from 'node:http'

import type { FastifyReply, FastifyRequest } from 'fastify'

import { hasBody } from './body-parsers.ts'
import type { Connections } from './connections.ts'
import type { App } from './types.ts'

/** As in nginx: in total, and without any data. */
const maxDurationMs = 30_000
const idleTimeoutMs = 5_000

// Closing the connection right after an early response would reset it, and the client might never see the response.
export function discardUnreadBodies(app: App, connections: Connections): void {
  app.addHook('onSend', (request, reply, payload, done) => {
    keepConnection(request, reply, connections)
    done(null, payload)
  })
  app.addHook('onResponse', (request, _reply, done) => {
    if (isUnread(request, connections)) discardRest(request.raw, connections)
    done()
  })
}

/** For requests whose path cannot be decoded, which no hook sees. */
export function discardUnreadBody(request: FastifyRequest, reply: FastifyReply, connections: Connections): void {
  keepConnection(request, reply, connections)
  reply.raw.once('finish', () => {
    if (isUnread(request, connections)) discardRest(request.raw, connections)
  })
}

/** Node would close the connection after the response. */
function keepConnection(request: FastifyRequest, reply: FastifyReply, connections: Connections): void {
  if (!isUnread(request, connections)) return
  reply.removeHeader('connection')
  reply.raw.shouldKeepAlive = true
}

function isUnread(request: FastifyRequest, connections: Connections): boolean {
  return !request.raw.complete && hasBody(request) && connections.isOpen(request.raw.socket)
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
    if (request.headers.connection?.toLowerCase() === 'close' || request.headers.upgrade !== undefined) socket.end()
  })
  request.resume()
}
