import type { Socket } from 'node:net'

export interface ReadLimits {
  /** Milliseconds per MiB, and for less than a MiB. */
  time: number
  bytes: number
}

/** Lists and exports use the same rate (`items/export/copy-stream.ts`). */
export const standardReadLimits: ReadLimits = { time: 30_000, bytes: 64 * 2 ** 20 }

const mebibyte = 2 ** 20

interface Reader {
  socket: Socket
  unread: number
  since: number
  taken: number
}

// Closes connections of too slow readers, and, if too much is unread in total, the longest-waiting. Called several times a second.
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
