import type { Server } from 'node:http'
import type { Socket } from 'node:net'

import { slowReaderCheck, standardReadLimits } from './slow-readers.ts'

/** The connections of clients. One counts as waiting unless a request of it is at work: idle, or sending too slowly. */
export interface Connections {
  /** Lets those in that `server` accepts, and counts them. */
  admit(server: Server): void
  /** Whether it is one of them, and has not ended. */
  isOpen(socket: Socket): boolean
  startWork(socket: Socket): void
  endWork(socket: Socket): void
  /** When the last one came, on the clock of `performance`. */
  lastAt: () => number
  /** Says that a request has a clock of its own, so that the server's, for how long one may take to arrive, does not count. */
  grantTime(socket: Socket): void
  /** Says that it has arrived. */
  endTime(socket: Socket): void
  hasTime(socket: Socket): boolean
  /** Closes those that have waited since the last call, sent nothing, and have been sent all that is for them. */
  closeSilent(): void
}

/** Milliseconds between two looks at who reads too slowly. */
const lookInterval = 250

/**
 * Keeps at most `limit` connections open. Whoever comes when there are as many takes the place of the one that has waited
 * longest, so that no number of clients who keep theirs open, or send a byte now and then, shuts the others out.
 */
export function openConnections(limit: number, readLimits = standardReadLimits): Connections {
  /** The one that has waited longest first. */
  const waiting = new Set<Socket>()
  const open = new Set<Socket>()
  const withTime = new WeakSet<Socket>()
  let heard = new Map<Socket, number>()
  let lastAt = -Infinity
  const closeSlowReaders = slowReaderCheck(readLimits)

  const makeRoom = () => {
    const [longest] = waiting
    if (longest === undefined) return
    waiting.delete(longest)
    longest.destroy()
  }

  const enter = (socket: Socket) => {
    lastAt = performance.now()
    open.add(socket)
    waiting.add(socket)
    socket.once('close', () => {
      open.delete(socket)
      waiting.delete(socket)
    })
    if (open.size > limit) makeRoom()
  }

  return {
    admit(server) {
      server.on('connection', enter)
      const looking = setInterval(() => closeSlowReaders(open), lookInterval).unref()
      server.once('close', () => clearInterval(looking))
    },
    isOpen: (socket) => open.has(socket),
    startWork(socket) {
      waiting.delete(socket)
    },
    endWork(socket) {
      if (open.has(socket)) waiting.add(socket)
    },
    lastAt: () => lastAt,
    grantTime: (socket) => void withTime.add(socket),
    endTime: (socket) => void withTime.delete(socket),
    hasTime: (socket) => withTime.has(socket),
    closeSilent() {
      const before = heard
      heard = new Map([...waiting].map((socket) => [socket, socket.bytesRead]))
      for (const [socket, bytes] of heard) {
        if (before.get(socket) === bytes && socket.writableLength === 0) socket.destroy()
      }
    },
  }
}
