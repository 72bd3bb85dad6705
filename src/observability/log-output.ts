import { constants, fstatSync, openSync, write } from 'node:fs'
import { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

/** Where log lines go. */
export interface LogOutput {
  write(line: string): void
  /** Calls `done` when all lines are written, or after a second. */
  flush(done: () => void): void
}

/** Characters that may wait to be written; lines beyond are dropped. */
const standardLimit = 4 * 2 ** 20

/** Milliseconds between two attempts to write, and that a flush waits. */
const retryDelay = 500
const flushTimeout = 1_000

/**
 * Writes lines to the file descriptor `fd` in order, and never waits for it: a full disk or a reader that has stopped
 * costs log lines, not requests.
 *
 * @param onRecovery told how many lines were dropped, when lines can be written again
 */
export function openLogOutput(fd: number, onRecovery: (dropped: number) => void, limit = standardLimit): LogOutput {
  const send = openSender(fd)
  let waiting: string[] = []
  let length = 0
  let dropped = 0
  let writing: Promise<void> | undefined

  const takeAll = (): string => {
    const text = waiting.join('')
    waiting = []
    length = 0
    return text
  }

  const writeWaiting = async () => {
    while (waiting.length > 0) {
      await send(takeAll())
      if (dropped === 0) continue
      const count = dropped
      dropped = 0
      onRecovery(count)
    }
    writing = undefined
  }

  return {
    write(line) {
      if (length + line.length > limit) {
        dropped++
        return
      }
      waiting.push(line)
      length += line.length
      writing ??= writeWaiting()
    },
    flush(done) {
      const waitAndTell = async () => {
        await Promise.race([writing, sleep(flushTimeout)])
        done()
      }
      void waitAndTell()
    },
  }
}

/** Sends all of a text, however long that takes. */
type Sender = (text: string) => Promise<void>

function openSender(fd: number): Sender {
  const stats = fstatSync(fd)
  return stats.isFIFO() || stats.isSocket() ? toStream(stats.isFIFO() ? reopen(fd) : fd) : toFile(fd)
}

/** A pipe is shared with other processes, which do not expect it to be non-blocking; opened again it is this one's own. */
function reopen(fd: number): number {
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK)
  } catch {
    return fd
  }
}

/** Non-blocking: a thread that waits for the reader would keep the process from ending. */
function toStream(fd: number): Sender {
  const socket = new Socket({ fd, readable: false, writable: true })
  // Each write that fails says it again.
  socket.on('error', () => {})
  return (text) =>
    retry(() => new Promise((sent, failed) => socket.write(text, (error) => (error ? failed(error) : sent()))))
}

function toFile(fd: number): Sender {
  return async (text) => {
    let rest: Buffer = Buffer.from(text)
    await retry(async () => {
      while (rest.length > 0) rest = rest.subarray((await promisify(write)(fd, rest)).bytesWritten)
    })
  }
}

async function retry(attempt: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await attempt()
    } catch {
      await sleep(retryDelay, undefined, { ref: false })
    }
  }
}
