import { createHash, type Hash } from 'node:crypto'
import type { Readable } from 'node:stream'

import { lockToken } from '../../auth/token-lock.ts'
import type { Semaphore } from '../../concurrency/semaphore.ts'
import { type Session, withLongTransaction } from '../../database/long-transaction.ts'
import type { ConnectionPool } from '../../database/pool.ts'
import type { Idempotency, IdempotentResult } from '../../idempotency.ts'
import type { Tracer } from '../../observability/tracing/tracer.ts'
import { Problem } from '../../problems.ts'
import type { Caller } from '../items.ts'
import { type BodyLimits, textOf } from './body.ts'
import type { Coding } from './coding.ts'
import type { Staged } from './conflicts.ts'
import { csvRows } from './csv.ts'
import { renamedColumns, wrongColumn } from './header.ts'
import { merge } from './merge.ts'
import { ndjsonRows } from './ndjson.ts'
import { type ReportBuilder, openReportBuilder, UnreadableFile } from './report.ts'
import type { RowCheck } from './rows.ts'
import type { ImportQuery, ImportReport } from './schemas.ts'
import { openSpool, type Spool } from './spool.ts'
import { copyStaged, stage } from './staging.ts'

/** Windows labels CSV as a file of Excel. */
export const readers = {
  'text/csv': csvRows,
  'text/tab-separated-values': csvRows,
  'application/vnd.ms-excel': csvRows,
  'application/x-ndjson': ndjsonRows,
  'application/ndjson': ndjsonRows,
  'application/jsonl': ndjsonRows,
}

export interface Importer {
  pool: ConnectionPool
  idempotency: Idempotency
  gates: { receiving: Semaphore; merging: Semaphore }
  check: (mode: 'create' | 'upsert') => RowCheck
  limits: BodyLimits
  isShared: boolean
  needsVersion: boolean
  isBusy: () => boolean
  checkToken: (token: Caller['token']) => Promise<void>
  warn: (error: unknown) => void
  tracer: Tracer | undefined
}

export interface ImportRequest extends Caller {
  key: string | undefined
  body: Readable
  type: keyof typeof readers
  coding: Coding
  query: ImportQuery
  signal: AbortSignal
}

const tokenCheckInterval = 2_000
const manyItems = 10_000

/**
 * Rows are checked as they arrive and wait in a spool. The transaction begins when the file is complete, so that a slow client
 * holds no connection and keeps no row version alive.
 *
 * @throws Problem import_failed, invalid_token, too_busy or store_unavailable, or a problem of the body or the idempotency key
 */
export async function importItems(importer: Importer, request: ImportRequest): Promise<IdempotentResult<ImportReport>> {
  const { pool, idempotency, gates, isShared, needsVersion, warn, tracer } = importer
  const { token, requestId, key, type, query, signal } = request
  const { mode = 'create', on_error: onError = 'stop', dry_run: isDry = false } = query
  const stopOnError = onError === 'stop'
  const builder = openReportBuilder({ mode, dry_run: isDry })
  using _receiving = await gates.receiving.acquire(token.sub, signal)
  await using spool = openSpool(warn)
  const digest = createHash('sha256')
  const receiveAll = () => receive(importer, request, { spool, digest, builder, stopOnError })
  const staged = await (tracer?.run('receive import', receiveAll) ?? receiveAll())
  if (stopOnError && builder.failed > 0) throw builder.toProblem()
  using _merging = await gates.merging.acquire(token.sub, signal)
  const mergeAll = async (session: Session) => {
    await copyStaged(session, spool)
    const options = {
      mode,
      owner: token.sub,
      requestId,
      canUpdateOthers: isShared,
      needsVersion,
      stopOnError,
      dryRun: isDry,
    }
    const written = await merge(session, pool.engine, staged, options, builder)
    if (stopOnError && builder.failed > 0) throw builder.toProblem()
    return builder.report(written)
  }
  const keyed = { scope: `imports of ${token.sub}`, key, owner: token.sub }
  const body = { query, type, digest: digest.digest('hex') }
  const mergeOnce = async (session: Session) => {
    const result = await idempotency.runInSession(session, { ...keyed, body, write: () => mergeAll(session) })
    await lockToken(session, token)
    return result
  }
  const commit = () => withLongTransaction(pool, signal, mergeOnce)
  const result = await (tracer?.run('merge import', commit) ?? commit())
  if (!isDry && !result.isReplayed && result.response.created >= manyItems) await analyze(pool)
  return result
}

/** Plans that were made for few items read all of them. Autovacuum would notice within a minute. */
async function analyze(pool: ConnectionPool): Promise<void> {
  await pool.queryOnce('analyze items', []).catch(() => {})
}

async function receive(
  { check, limits, isBusy, checkToken }: Importer,
  { body, type, coding, token, key, query, signal }: ImportRequest,
  { digest, ...into }: { spool: Spool; digest: Hash; builder: ReportBuilder; stopOnError: boolean },
): Promise<Staged> {
  const renamed = renamedColumns(query.column)
  if (renamed.size > 0 && readers[type] === ndjsonRows) throw wrongColumn('is for CSV only: remove it')
  const ended = new AbortController()
  const checking = setInterval(() => {
    checkToken(token).catch((error: unknown) => {
      if (error instanceof Problem && error.code === 'invalid_token') ended.abort(error)
    })
  }, tokenCheckInterval)
  try {
    const text = textOf(body, limits, AbortSignal.any([signal, ended.signal]), coding)
    const rows = readers[type](key === undefined ? text : hashed(text, digest), renamed)
    const staged = await stage({ rows, check: check(query.mode ?? 'create'), isBusy, ...into })
    await checkToken(token)
    return staged
  } catch (error) {
    if (!(error instanceof UnreadableFile)) throw error
    into.builder.addErrors(error.errors, error.rows)
    throw into.builder.toProblem()
  } finally {
    clearInterval(checking)
  }
}

async function* hashed(text: AsyncGenerator<Buffer>, digest: Hash): AsyncGenerator<Buffer> {
  for await (const piece of text) {
    digest.update(piece)
    yield piece
  }
}
