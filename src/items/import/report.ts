import type { Static } from 'typebox'

import type { ImportError } from '../../openapi/schemas.ts'
import { Problem } from '../../problems.ts'
import { type ImportReport, listedErrors, nothingWritten } from './schemas.ts'

export { nothingWritten }
export type RowError = Static<typeof ImportError>
export type Written = Pick<ImportReport, 'created' | 'updated' | 'unchanged' | 'same_name' | 'changes'>

/** What is found out about bad rows. */
export interface ReportBuilder {
  /** Rows that are bad. */
  failed: number
  /** Notes what is wrong with a row. They come in the order of the file, so those beyond the first are only counted. */
  failRow(wrong: { count: number; describe: () => RowError[] }): void
  /** Notes what is wrong with a row, or with so many of which these are the first. */
  fail(errors: RowError[], rows?: number): void
  /** What is said of an import that came to its end. */
  report(written: Written): ImportReport
  /** What is said of one that did not. */
  failure(): Problem
}

/** A file that cannot be read on: nothing of it is imported, however bad rows are treated. */
export class UnreadableFile extends Error {
  override name = 'UnreadableFile'
  readonly errors: RowError[]
  readonly rows: number

  /** @param rows how many are bad, of which these are the first errors */
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
  // Those that PostgreSQL finds come last, and may be of earlier lines.
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
