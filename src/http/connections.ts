import type { Server } from 'node:http'
import type { Socket } from 'node:net'

import { slowReaderCheck, standardReadLimits } from './slow-readers.ts'

/** Client connections. One is idle unless it has an active request; a request that is still arriving is not active. */
export interface Connections {
  track(server: Server): void
  isOpen(socket: Socket): boolean
  /** `evicted` counts connections since the start. */
  usage(): { open: number; evicted: number }
  markActive(socket: Socket): void
  markIdle(socket: Socket): void
  lastAcceptedAt: () => number
  /** Exempts the current request from `requestTimeout`, because it has a timer of its own. */
  exemptFromTimeout(socket: Socket): void
  clearExemption(socket: Socket): void
  isExempt(socket: Socket): boolean
  /** Closes connections that have been idle since the last call, sent nothing, and received everything. */
  closeIdle(): void
}

const checkIntervalMs = 250

/** At the limit, a new connection evicts the longest idle one, so that no number of idle or slow clients shuts the others out. */
export function openConnections(limit: number, readLimits = standardReadLimits): Connections {
  const idle = new Set<Socket>()
  const open = new Set<Socket>()
  const exempt = new WeakSet<Socket>()
  let bytesSeen = new Map<Socket, number>()
  let acceptedAt = -Infinity
  let evicted = 0
  const closeSlowReaders = slowReaderCheck(readLimits)

  const evictOldest = () => {
    const [longest] = idle
    if (longest === undefined) return
    idle.delete(longest)
    evicted++
    longest.destroy()
  }

  const onConnection = (socket: Socket) => {
    open.add(socket)
    idle.add(socket)
    socket.once('close', () => {
      open.delete(socket)
      idle.delete(socket)
    })
    if (open.size > limit) evictOldest()
  }

  return {
    track(server) {
      const [serve] = server.listeners('connection') as [(socket: Socket) => void]
      server.removeAllListeners('connection')
      server.on('connection', (socket) => {
        acceptedAt = performance.now()
        if (wasReset(socket)) {
          socket.destroy()
          return
        }
        serve.call(server, socket)
        onConnection(socket)
      })
      const looking = setInterval(() => closeSlowReaders(open), checkIntervalMs).unref()
      server.once('close', () => clearInterval(looking))
    },
    isOpen: (socket) => open.has(socket),
    usage: () => ({ open: open.size, evicted }),
    markActive(socket) {
      idle.delete(socket)
    },
    markIdle(socket) {
      if (open.has(socket)) idle.add(socket)
    },
    lastAcceptedAt: () => acceptedAt,
    exemptFromTimeout: (socket) => void exempt.add(socket),
    clearExemption: (socket) => void exempt.delete(socket),
    isExempt: (socket) => exempt.has(socket),
    closeIdle() {
      const before = bytesSeen
      bytesSeen = new Map([...idle].map((socket) => [socket, socket.bytesRead]))
      for (const [socket, bytes] of bytesSeen) {
        if (before.get(socket) === bytes && socket.writableLength === 0) socket.destroy()
      }
    },
  }
}

// The accept queue keeps connections that clients have reset, and what they sent. Node accepts one per turn of the event loop,
// so serving their requests let the queue fill, and other clients waited in it.
function wasReset(socket: Socket): boolean {
  return socket.remoteAddress === undefined
}
