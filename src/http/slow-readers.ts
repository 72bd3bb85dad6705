import type { Socket } from 'node:net'

/** How long clients may take to read what they asked for. */
export interface ReadLimits {
  /** Milliseconds that a client has for each MiB that waits for it, and for less than that. */
  time: number
  /** Bytes that may wait for all clients together. */
  bytes: number
}

/** Lists and exports have the same rate (`items/export/copy-stream.ts`). */
export const standardReadLimits: ReadLimits = { time: 30_000, bytes: 64 * 2 ** 20 }

const mebibyte = 2 ** 20

/** A client for whom something waits. */
interface Reader {
  socket: Socket
  /** Bytes that wait for it. */
  unread: number
  /** When it was given its present time, on the clock of `performance`, and the bytes it had taken then. */
  since: number
  taken: number
}

/**
 * Makes a look at open connections, to be called several times a second. It closes those whose clients are past their time;
 * and while more than `bytes` wait for all of them together, those that have waited longest.
 */
export function slowReaderCheck({ time, bytes }: ReadLimits): (open: Iterable<Socket>) => void {
  let known = new Map<Socket, Reader>()

  const look = (socket: Socket): Reader => {
    const unread = socket.writableLength
    const taken = socket.bytesWritten - unread
    const before = known.get(socket)
    if (before === undefined || taken - before.taken >= mebibyte) {
      return { socket, unread, since: performance.now(), taken }
    }
    return { ...before, unread }
  }
  const isLate = ({ since, unread }: Reader) => performance.now() - since > time * Math.max(1, unread / mebibyte)

  return (open) => {
    const readers = [...open].filter((socket) => socket.writableLength > 0).map(look)
    known = new Map(readers.map((reader) => [reader.socket, reader]))
    let total = readers.reduce((sum, { unread }) => sum + unread, 0)
    for (const reader of readers.toSorted((one, other) => one.since - other.since)) {
      if (!isLate(reader) && total <= bytes) continue
      total -= reader.unread
      reader.socket.destroy()
    }
  }
}
