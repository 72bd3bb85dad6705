import { constants, fstatSync, openSync, write } from 'node:fs'
import { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { isatty } from 'node:tty'
import { promisify } from 'node:util'

export interface LogOutput {
  write(line: string): void
  flush(done: () => void): void
}

const maxBufferedCharacters = 4 * 2 ** 20

const retryDelayMs = 500
const flushTimeoutMs = 1_000

export function openLogOutput(
  fd: number,
  onRecovery: (dropped: number) => void,
  limit = maxBufferedCharacters,
): LogOutput {
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

  const report = () => {
    const count = dropped
    dropped = 0
    onRecovery(count)
  }

  const writeWaiting = async () => {
    while (waiting.length > 0) {
      const text = takeAll()
      // Now there is room for its line, behind those that came before the dropped ones.
      if (dropped > 0) report()
      await send(text)
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
        await Promise.race([writing, sleep(flushTimeoutMs)])
        done()
      }
      void waitAndTell()
    },
  }
}

type Sender = (text: string) => Promise<void>

function openSender(fd: number): Sender {
  if (isatty(fd)) return toFile(reopen(fd))
  const stats = fstatSync(fd)
  return stats.isFIFO() || stats.isSocket() ? toStream(stats.isFIFO() ? reopen(fd) : fd) : toFile(fd)
}

/** Other processes share the pipe or terminal and expect it to block; reopening it gives this process its own mode. */
function reopen(fd: number): number {
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK)
  } catch {
    return fd
  }
}

/** Non-blocking, because a thread that waits for the reader would keep the process from exiting. */
function toStream(fd: number): Sender {
  const socket = new Socket({ fd, readable: false, writable: true })
  // Each failed write reports it again.
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
      await sleep(retryDelayMs, undefined, { ref: false })
    }
  }
}
