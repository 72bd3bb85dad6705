import { isUtf8 } from 'node:buffer'
import type { Readable } from 'node:stream'

import { validationFailed, Problem } from '../../problems.ts'
import { asUtf8, type Coding, gunzipped, plain } from './coding.ts'
import { UnreadableFile } from './report.ts'

/** How long a body may be, in bytes, and take, in milliseconds. */
export interface BodyLimits {
  maxBytes: number
  /** Whoever is waited for so long has to have sent `least` bytes in that time. */
  minRateWindow: number
  minBytes: number
  /** The whole of it. */
  maxDuration: number
}

/** Bytes that are read without looking for other requests: rows of two bytes each, all of them bad, take 20 ms. */
const pieceLength = 4 * 1024

/**
 * The text of `body` as it comes, in UTF-8 and cut between characters, without a byte order mark.
 * Time in which nobody waits for the client does not count against it.
 *
 * @param signal aborted when nobody reads on, though something is still waited for
 * @throws Problem invalid_request if there is none; body_too_large or request_timeout; malformed_body if it is cut off or
 *   damaged; UnreadableFile if it is in another charset
 */
export async function* textOf(
  body: Readable,
  limits: BodyLimits,
  signal: AbortSignal,
  { isGzipped, charset }: Coding = plain,
): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0)
  let lines = 1
  let isFirst = true
  const read = (ended: AbortSignal) => chunksOf(body, limits, AbortSignal.any([signal, ended]))
  const bytesRead = isGzipped ? gunzipped(read, limits.maxBytes, tooLarge) : chunksOf(body, limits, signal)
  let isEmpty = true
  for await (const chunk of asUtf8(bytesRead, charset)) {
    isEmpty = false
    const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
    const whole = bytes.subarray(0, bytes.length - incompleteSuffixLength(bytes))
    rest = bytes.subarray(whole.length)
    if (!isUtf8(whole)) throw notUtf8(whole, lines)
    lines += countOf(0x0a, whole)
    if (whole.length === 0) continue
    yield* pieces(isFirst && whole.indexOf(byteOrderMark) === 0 ? whole.subarray(byteOrderMark.length) : whole)
    isFirst = false
  }
  if (isEmpty) throw missingFile()
  if (rest.length > 0) throw notUtf8(rest, lines)
}

/** 422 for an import without a file. */
export function missingFile(): Problem {
  return validationFailed([{ type: 'missing', loc: ['body'], msg: 'is required: send the file as the request body' }])
}

function* pieces(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length;) {
    const piece = bytes.subarray(at, at + pieceLength)
    const whole = piece.subarray(0, piece.length - incompleteSuffixLength(piece))
    yield whole
    at += whole.length
  }
}

const byteOrderMark = Buffer.from('\uFEFF')

/** Reads `body` without destroying it at the end, which would close the connection before there is an answer. */
async function* chunksOf(
  body: Readable,
  { maxBytes, minRateWindow, minBytes, maxDuration }: BodyLimits,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const chunks = body.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>
  const deadline = performance.now() + maxDuration
  let total = 0
  let remaining = minRateWindow
  let received = 0
  try {
    for (;;) {
      const since = performance.now()
      const { value, done } = await withTimeout(Math.min(remaining, deadline - since), signal, chunks.next())
      if (done === true) return
      total += value.length
      if (total > maxBytes) throw tooLarge(maxBytes)
      received += value.length
      remaining -= performance.now() - since
      if (received >= minBytes) {
        remaining = minRateWindow
        received = 0
      }
      yield value
    }
  } finally {
    // What is left of the body can be thrown away only when nobody reads it. If it is waited for, that waits, too.
    chunks.return?.().catch(() => {})
  }
}

async function withTimeout<Result>(time: number, signal: AbortSignal, task: Promise<Result>): Promise<Result> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const giveUp = () => reject(signal.reason)
  const timer = setTimeout(
    () => reject(new Problem('request_timeout', 'The request body did not arrive in time. Send it again.')),
    time,
  )
  signal.addEventListener('abort', giveUp)
  try {
    return await Promise.race([task, late])
  } catch (error) {
    task.catch(() => {})
    throw error instanceof Problem
      ? error
      : new Problem('malformed_body', 'The request body was truncated. Send it again.')
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', giveUp)
  }
}

/** @param length what a body may have, in bytes */
export function tooLarge(length: number): Problem {
  return new Problem('body_too_large', `The body is larger than ${length / 2 ** 20} MiB.`)
}

/** How many bytes at the end of `bytes` begin a character that is not whole. */
function incompleteSuffixLength(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0
    if (byte < 0x80) return 0
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0
  }
  return 0
}

function countOf(byte: number, bytes: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(byte); at !== -1; at = bytes.indexOf(byte, at + 1)) count++
  return count
}

/** Says in which line of `bytes`, whose first has the number `line`, the wrong one is. */
function notUtf8(bytes: Buffer, line: number): UnreadableFile {
  const start = { at: 0 }
  const wrong = { line }
  for (;;) {
    const end = bytes.indexOf(0x0a, start.at)
    if (end === -1 || !isUtf8(bytes.subarray(start.at, end))) break
    start.at = end + 1
    wrong.line++
  }
  const msg = 'is not UTF-8: save the file as UTF-8, or name its charset, as in text/csv; charset=windows-1252'
  return new UnreadableFile([{ line: wrong.line, column: null, type: 'encoding', msg }])
}
