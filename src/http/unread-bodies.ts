import type { IncomingMessage } from 'node:http'

import type { FastifyRequest } from 'fastify'

import { hasBody } from './body-parsers.ts'
import type { Connections } from './connections.ts'
import type { App } from './types.ts'

/** Milliseconds for which a body is read after its response: in all, and while nothing comes. As nginx does. */
const longest = 30_000
const longestSilence = 5_000

/**
 * Lets clients see a response that is sent before they have sent their whole body: what they still send is read and
 * discarded for a while. A connection that is closed at once is reset, and the client may never see the response.
 */
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
  let heard = socket.bytesRead
  const listen = () => {
    if (socket.bytesRead === heard) {
      socket.destroy()
      return
    }
    heard = socket.bytesRead
    silence = setTimeout(listen, longestSilence)
  }
  let silence = setTimeout(listen, longestSilence)
  const end = setTimeout(() => socket.destroy(), longest)
  const stop = () => {
    clearTimeout(silence)
    clearTimeout(end)
  }
  // Otherwise the server would send a second response when the request takes too long.
  connections.exemptFromTimeout(socket)
  socket.once('close', stop)
  request.once('end', () => {
    stop()
    connections.clearExemption(socket)
    if (request.headers.connection?.toLowerCase() === 'close') socket.end()
  })
  request.resume()
}
