import type { Server } from 'node:http'
import type { Socket } from 'node:net'

import { slowReaderCheck, standardReadLimits } from './slow-readers.ts'

/** The connections of clients. One counts as waiting unless a request of it is at work: idle, or sending too slowly. */
export interface Connections {
  /** Lets those in that `server` accepts, and counts them. */
  track(server: Server): void
  /** Whether it is one of them, and has not ended. */
  isOpen(socket: Socket): boolean
  markActive(socket: Socket): void
  markIdle(socket: Socket): void
  /** When the last one came, on the clock of `performance`. */
  lastAcceptedAt: () => number
  /** Says that a request has a clock of its own, so that the server's, for how long one may take to arrive, does not count. */
  exemptFromTimeout(socket: Socket): void
  /** Says that it has arrived. */
  clearExemption(socket: Socket): void
  isExempt(socket: Socket): boolean
  /** Closes those that have waited since the last call, sent nothing, and have been sent all that is for them. */
  closeIdle(): void
}

/** Milliseconds between two looks at who reads too slowly. */
const checkInterval = 250

/**
 * Keeps at most `limit` connections open. Whoever comes when there are as many takes the place of the one that has waited
 * longest, so that no number of clients who keep theirs open, or send a byte now and then, shuts the others out.
 */
export function openConnections(limit: number, readLimits = standardReadLimits): Connections {
  /** The one that has waited longest first. */
  const idle = new Set<Socket>()
  const open = new Set<Socket>()
  const exempt = new WeakSet<Socket>()
  let bytesSeen = new Map<Socket, number>()
  let lastAt = -Infinity
  const closeSlowReaders = slowReaderCheck(readLimits)

  const evictOldest = () => {
    const [longest] = idle
    if (longest === undefined) return
    idle.delete(longest)
    longest.destroy()
  }

  const onConnection = (socket: Socket) => {
    lastAt = performance.now()
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
      server.on('connection', onConnection)
      const looking = setInterval(() => closeSlowReaders(open), checkInterval).unref()
      server.once('close', () => clearInterval(looking))
    },
    isOpen: (socket) => open.has(socket),
    markActive(socket) {
      idle.delete(socket)
    },
    markIdle(socket) {
      if (open.has(socket)) idle.add(socket)
    },
    lastAcceptedAt: () => lastAt,
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
