import type { Static } from 'typebox'

import type { ImportError } from '../../openapi/schemas.ts'
import { Problem } from '../../problems.ts'
import { type ImportReport, listedErrors, nothingWritten } from './schemas.ts'

export { nothingWritten }
export type RowError = Static<typeof ImportError>
export type Written = Pick<ImportReport, 'created' | 'updated' | 'unchanged' | 'same_name' | 'changes'>

export interface ReportBuilder {
  failed: number
  /** Rows come in the order of the file, so errors after the first ones are only counted. */
  failRow(wrong: { count: number; describe: () => RowError[] }): void
  fail(errors: RowError[], rows?: number): void
  report(written: Written): ImportReport
  failure(): Problem
}

/** Nothing of such a file is imported, however bad rows are treated. */
export class UnreadableFile extends Error {
  override name = 'UnreadableFile'
  readonly errors: RowError[]
  readonly rows: number

  constructor(errors: RowError[], rows = 1) {
    super(errors[0]?.msg)
    this.errors = errors
    this.rows = rows
  }
}

export function openFindings({ mode, dry_run }: Pick<ImportReport, 'mode' | 'dry_run'>): ReportBuilder {
  let failed = 0
  let count = 0
  let listed: RowError[] = []
  // Errors that PostgreSQL detects come last, and may be of earlier lines.
  const first = () => listed.toSorted((one, other) => one.line - other.line).slice(0, listedErrors)
  const report = (written: Written): ImportReport => {
    const errors = first()
    return { mode, dry_run, ...written, failed, errors, errors_omitted: count - errors.length }
  }

  return {
    get failed() {
      return failed
    },
    failRow(wrong) {
      failed++
      count += wrong.count
      if (listed.length < listedErrors) listed.push(...wrong.describe())
    },
    fail(errors, rows = 1) {
      failed += rows
      count += Math.max(rows, errors.length)
      listed.push(...errors)
      if (listed.length > 4 * listedErrors) listed = first()
    },
    report,
    failure() {
      const members = report(nothingWritten)
      return new Problem('import_failed', inWords(members), { members: { ...members } })
    },
  }
}

function inWords({ failed, errors: [first] }: ImportReport): string {
  const rows = failed === 1 ? '1 invalid row,' : `${failed} invalid rows, first`
  return `Nothing was imported: ${rows} on line ${first?.line} (${first?.column ?? 'it'} ${first?.msg}).`
}
