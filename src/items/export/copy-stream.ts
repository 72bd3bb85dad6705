import { Readable } from 'node:stream'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'

import type { CompiledQuery } from 'kysely'

import type { Semaphore } from '../../concurrency/semaphore.ts'
import { copyOut } from '../../database/copy.ts'
import { isUnavailable } from '../../database/errors.ts'
import { type ConnectionPool } from '../../database/pool.ts'
import type { Counter } from '../../observability/metrics/metrics.ts'
import { Problem } from '../../problems.ts'
import { withLiterals } from './copy-literals.ts'

/** Milliseconds that a stream waits for its reader per `share` bytes, and for PostgreSQL per chunk. */
export const defaultTimeouts = { reader: 30_000, share: 2 ** 20, store: 10_000 }

export type StreamTimeouts = typeof defaultTimeouts

/** Milliseconds between pauses for other requests, and of a pause. Without, a request during a list took 60 times as long. */
const maxTurn = 5
const yieldDelay = 5

export interface StreamSource {
  pool: ConnectionPool
  gate: Semaphore
  isBusy: () => boolean
}

export interface Reader {
  me: string
  signal: AbortSignal
  /** Counts bytes, before any compression. */
  sent?: Counter
  /** Called with undefined if the stream was broken off. */
  onEnd?: (rows: number | undefined) => void
}

type Source = StreamSource & Reader

/** Characters stand for bytes, so those of UTF-8 pass unchanged. */
export interface Format {
  start: string
  between: string
  end: string
  /** @param rows whole ones, in COPY's text format */
  write(rows: string): string
}

/** Starts the query when read. A failure halfway destroys the stream, so that a partial response never looks complete. */
export function streamRows(source: Source, query: CompiledQuery, format: Format, timeouts: StreamTimeouts): Readable {
  const abort = () => stream.destroy()
  const destroyed = new AbortController()
  const text = chunks(source, query, format, timeouts, abort, destroyed.signal)
  const stream: Readable = Readable.from(text, { objectMode: false })
  // Readable waits for what the generator waits for, which may be a lock.
  const destroy = stream.destroy.bind(stream)
  stream.destroy = (error) => {
    destroyed.abort(error ?? undefined)
    return destroy(error)
  }
  return stream
}

async function* chunks(
  { pool, gate, isBusy, me, signal, sent, onEnd }: Source,
  query: CompiledQuery,
  format: Format,
  timeouts: StreamTimeouts,
  drop: () => void,
  destroyed: AbortSignal,
) {
  const ended = AbortSignal.any([signal, destroyed])
  using _permit = await gate.acquire(me, ended)
  let count: number | undefined
  try {
    const logged = `copy (${query.sql}) to stdout`
    const rows = await copyOut(pool, `copy (${withLiterals(query)}) to stdout`, { logged, signal: ended })
    destroyed.addEventListener('abort', () => rows.destroy())
    try {
      destroyed.throwIfAborted()
      yield* convert(rows.setEncoding('latin1'), format, { isBusy, ...(sent && { sent }) }, timeouts, drop)
      count = rows.rowCount
    } finally {
      rows.destroy()
    }
  } catch (error) {
    destroyed.throwIfAborted()
    throw error instanceof Problem || !isUnavailable(error) ? error : pool.unavailable(error)
  } finally {
    onEnd?.(count)
  }
}

async function* convert(
  rows: Readable,
  format: Format,
  { isBusy, sent }: Pick<Source, 'isBusy' | 'sent'>,
  timeouts: StreamTimeouts,
  drop: () => void,
) {
  const onDatabaseTimeout = () => rows.destroy(new Error(`PostgreSQL sent nothing for ${timeouts.store} ms`))
  let partialLine = ''
  let separator = format.start
  let turnedAt = performance.now()
  let timer = setTimeout(onDatabaseTimeout, timeouts.store)
  let waited = 0
  let taken = 0
  try {
    for await (const chunk of rows) {
      clearTimeout(timer)
      const text = partialLine + String(chunk)
      const end = text.lastIndexOf('\n') + 1
      partialLine = text.slice(end)
      if (end > 0) {
        const piece = Buffer.from(separator + format.write(text.slice(0, end)), 'latin1')
        separator = format.between
        const offeredAt = performance.now()
        timer = setTimeout(drop, timeouts.reader - waited)
        yield piece
        clearTimeout(timer)
        waited += performance.now() - offeredAt
        taken += piece.length
        sent?.add(piece.length)
        if (taken >= timeouts.share) {
          waited = 0
          taken = 0
        }
      }
      timer = setTimeout(onDatabaseTimeout, timeouts.store)
      // A turn of the event loop lets other requests in. One after each chunk makes a list a third slower.
      if (performance.now() - turnedAt > maxTurn) {
        await setImmediate()
        turnedAt = performance.now()
      }
      if (isBusy()) await sleep(yieldDelay)
    }
    const last = Buffer.from(separator === format.start ? format.start + format.end : format.end)
    yield last
    sent?.add(last.length)
  } finally {
    clearTimeout(timer)
  }
}
