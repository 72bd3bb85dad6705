import type { Readable } from 'node:stream'

import type { LendingPool } from '../../database/pool.ts'
import { inSession } from '../../database/session.ts'
import type { Gate } from '../../gate.ts'
import { type BodyLimits, textOf } from './body.ts'
import { csvRows } from './csv.ts'
import { merge } from './merge.ts'
import { ndjsonRows } from './ndjson.ts'
import { openFindings, UnreadableFile } from './report.ts'
import type { RowCheck } from './rows.ts'
import type { ImportQuery, ImportReport } from './schemas.ts'
import { stage } from './staging.ts'

/** How each media type is read. */
export const readers = { 'text/csv': csvRows, 'application/x-ndjson': ndjsonRows }

/** What an import needs of the service. */
export interface Importer {
  pool: LendingPool
  gate: Gate
  check: () => RowCheck
  limits: BodyLimits
  /** Whether items of other managers may be changed. */
  isShared: boolean
  /** Whether other requests are at work. */
  isBusy: () => boolean
}

export interface ImportRequest {
  body: Readable
  type: keyof typeof readers
  /** The manager who sends it. */
  owner: string
  query: ImportQuery
  /** Aborted when nobody waits for the answer any more. */
  signal: AbortSignal
}

/**
 * Imports a file as it comes, in one transaction: rows are checked and staged in a temporary table, and written from there
 * when all of them are known.
 *
 * @throws Problem import_failed with the report, if nothing was written because of bad rows; too_busy; store_unavailable;
 *   what is wrong with the body
 */
export async function importItems(
  { pool, gate, check, limits, isShared, isBusy }: Importer,
  { body, type, owner, query, signal }: ImportRequest,
): Promise<ImportReport> {
  const { mode = 'create', on_error: onError = 'stop', dry_run: isDry = false } = query
  const stops = onError === 'stop'
  const findings = openFindings({ mode, dry_run: isDry })
  return gate.run(() =>
    inSession(pool, signal, async (session) => {
      try {
        const rows = (ended: AbortSignal) => readers[type](textOf(body, limits, ended))
        const staged = await stage(session, { rows, check: check(), findings, stops, isBusy })
        if (stops && findings.failed > 0) throw findings.failure()
        const written = await merge(session, staged, { mode, owner, isShared, stops, isDry }, findings)
        if (stops && findings.failed > 0) throw findings.failure()
        return findings.report(written)
      } catch (error) {
        if (!(error instanceof UnreadableFile)) throw error
        findings.fail(error.errors)
        throw findings.failure()
      }
    }),
  )
}
