import type { Static } from 'typebox'

import type { ImportError } from '../../openapi/schemas.ts'
import { Problem } from '../../problems.ts'
import { type ImportReport, maxListedErrors, zeroCounts } from './schemas.ts'

export { zeroCounts }
export type RowError = Static<typeof ImportError>
export type Written = Pick<ImportReport, 'created' | 'updated' | 'unchanged' | 'same_name' | 'changes'>

export interface ReportBuilder {
  failed: number
  /** Rows come in the order of the file, so errors after the first ones are only counted. */
  addRow(wrong: { count: number; describe: () => RowError[] }): void
  addErrors(errors: RowError[], rows?: number): void
  report(written: Written): ImportReport
  toProblem(): Problem
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

export function openReportBuilder({ mode, dry_run }: Pick<ImportReport, 'mode' | 'dry_run'>): ReportBuilder {
  let failed = 0
  let count = 0
  let listed: RowError[] = []
  // Errors that PostgreSQL detects come last, and may be of earlier lines.
  const first = () => listed.toSorted((one, other) => one.line - other.line).slice(0, maxListedErrors)
  const report = (written: Written): ImportReport => {
    const errors = first()
    return { mode, dry_run, ...written, failed, errors, errors_omitted: count - errors.length }
  }

  return {
    get failed() {
      return failed
    },
    addRow(wrong) {
      failed++
      count += wrong.count
      if (listed.length < maxListedErrors) listed.push(...wrong.describe())
    },
    addErrors(errors, rows = 1) {
      failed += rows
      count += Math.max(rows, errors.length)
      listed.push(...errors)
      if (listed.length > 4 * maxListedErrors) listed = first()
    },
    report,
    toProblem() {
      const members = report(zeroCounts)
      return new Problem('import_failed', summaryOf(members), { members: { ...members } })
    },
  }
}

function summaryOf({ failed, errors: [first] }: ImportReport): string {
  const rows = failed === 1 ? '1 invalid row,' : `${failed} invalid rows, first`
  return `Nothing was imported: ${rows} on line ${first?.line} (${first?.column ?? 'it'} ${first?.msg}).`
}
