import { isUtf8 } from 'node:buffer'
import type { Readable } from 'node:stream'

import { validationFailed, Problem } from '../../problems.ts'
import { asUtf8, type Coding, gunzipped, plain } from './coding.ts'
import { UnreadableFile } from './report.ts'

export interface BodyLimits {
  maxBytes: number
  /** A client that is waited for must send at least `minBytes` in each window. Times are in milliseconds. */
  minRateWindow: number
  minBytes: number
  maxDuration: number
}

/** Bytes read between pauses for other requests: invalid rows of two bytes each take 20 ms. */
const sliceLength = 4 * 1024

/**
 * The text of `body` in UTF-8, cut between characters, without a byte order mark. Only time spent waiting for the client counts.
 *
 * @param signal aborted when the text is no longer read, even while more of it is awaited
 * @throws Problem invalid_request, body_too_large, request_timeout or malformed_body; UnreadableFile if in another charset
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
    yield* slices(isFirst && whole.indexOf(byteOrderMark) === 0 ? whole.subarray(byteOrderMark.length) : whole)
    isFirst = false
  }
  if (isEmpty) throw missingFile()
  if (rest.length > 0) throw notUtf8(rest, lines)
}

export function missingFile(): Problem {
  return validationFailed([{ type: 'missing', loc: ['body'], msg: 'is required: send the file as the request body' }])
}

function* slices(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length;) {
    const slice = bytes.subarray(at, at + sliceLength)
    const whole = slice.subarray(0, slice.length - incompleteSuffixLength(slice))
    yield whole
    at += whole.length
  }
}

const byteOrderMark = Buffer.from('\uFEFF')

/** Iterating `body` itself would destroy it at the end, and close the connection before the response. */
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
    // The rest of the body can be discarded only when it is no longer read. A pending read would make this wait, too.
    chunks.return?.().catch(() => {})
  }
}

async function withTimeout<Result>(time: number, signal: AbortSignal, task: Promise<Result>): Promise<Result> {
  const { promise: timeout, reject } = Promise.withResolvers<never>()
  const giveUp = () => reject(signal.reason)
  const timer = setTimeout(
    () => reject(new Problem('request_timeout', 'The request body did not arrive in time. Send it again.')),
    time,
  )
  signal.addEventListener('abort', giveUp)
  try {
    return await Promise.race([task, timeout])
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

export function tooLarge(length: number): Problem {
  return new Problem('body_too_large', `The body is larger than ${length / 2 ** 20} MiB.`)
}

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
