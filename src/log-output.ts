import { write, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

/** Where log lines go. */
export interface LogOutput {
  write(line: string): void
}

/** Characters that may wait to be written; lines beyond are dropped. */
const standardLimit = 4 * 2 ** 20

/** Milliseconds between two attempts to write, and after which an unfinished write counts as stuck. */
const retryDelay = 500
const stuckAfter = 1_000

/**
 * Writes lines to the file descriptor `fd` in order, and never waits for it: a full disk or a reader that has stopped
 * costs log lines, not requests.
 *
 * @param onRecovery told how many lines were dropped, when lines can be written again
 */
export function openLogOutput(fd: number, onRecovery: (dropped: number) => void, limit = standardLimit): LogOutput {
  let waiting: string[] = []
  let length = 0
  let dropped = 0
  /** When the present write began; undefined while nothing is written. */
  let writingSince: number | undefined

  const takeAll = (): string => {
    const text = waiting.join('')
    waiting = []
    length = 0
    return text
  }

  const writeWaiting = async () => {
    while (waiting.length > 0) {
      await writeText(fd, takeAll(), () => (writingSince = performance.now()))
      if (dropped === 0) continue
      const count = dropped
      dropped = 0
      onRecovery(count)
    }
    writingSince = undefined
  }

  process.once('exit', () => {
    if (writingSince !== undefined && performance.now() - writingSince > stuckAfter) return
    // What is being written is with another thread, and comes first.
    if (writingSince !== undefined) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
    try {
      writeSync(fd, takeAll())
    } catch {
      // There is nowhere left to say so.
    }
  })

  return {
    write(line) {
      if (length + line.length > limit) {
        dropped++
        return
      }
      waiting.push(line)
      length += line.length
      if (writingSince !== undefined) return
      writingSince = performance.now()
      void writeWaiting()
    },
  }
}

/** Writes all of `text`, however long that takes. @param onAttempt called before each attempt */
async function writeText(fd: number, text: string, onAttempt: () => void): Promise<void> {
  let rest: Buffer = Buffer.from(text)
  while (rest.length > 0) {
    onAttempt()
    try {
      const { bytesWritten } = await promisify(write)(fd, rest)
      rest = rest.subarray(bytesWritten)
    } catch {
      await sleep(retryDelay, undefined, { ref: false })
    }
  }
}
