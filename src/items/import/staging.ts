import { setImmediate, setTimeout as sleep } from 'node:timers/promises'

import type { Session } from '../../database/long-transaction.ts'
import { risingIds } from '../ids.ts'
import { ambiguousPrice, type Conflict, type Staged } from './conflicts.ts'
import type { ReportBuilder } from './report.ts'
import { copyLine, type Row, type RowCheck } from './rows.ts'
import { maxListedErrors } from './schemas.ts'
import type { Spool } from './spool.ts'

/** Milliseconds between pauses for other requests, and of a pause, as for lists. */
const maxTurnMs = 5
const yieldDelayMs = 5

const writeLength = 64 * 1024

/** Poolers may change the session after a transaction, so the table is dropped with it. */
const stagingTable = `
  create temp table imported (
    id uuid, line integer, name text, category text, price_usd numeric, in_stock boolean, version bigint,
    is_doubtful boolean
  ) on commit drop`
const copy = 'copy pg_temp.imported from stdin'

interface Staging {
  rows: AsyncGenerator<Row[]>
  spool: Spool
  check: RowCheck
  builder: ReportBuilder
  stopOnError: boolean
  isBusy: () => boolean
}

export async function stage({ rows, spool, check, builder, stopOnError, isBusy }: Staging): Promise<Staged> {
  const staged: Staged = { rows: 0, withIds: false, withDoubts: false, hasCommas: false }
  const doubts: Conflict = { rows: 0, errors: [] }
  const toCopyLine = (row: Row) => {
    const checked = check(row)
    staged.hasCommas ||= row.hasCommas === true
    if ('count' in checked) {
      builder.addRow(checked)
      return ''
    }
    if (row.isDoubtful) {
      doubts.rows++
      if (doubts.errors.length < maxListedErrors) doubts.errors.push(ambiguousPrice(row.line, checked.item.price_usd))
    }
    if (stopOnError && builder.failed > 0) return ''
    staged.rows++
    staged.withIds ||= typeof checked.item.id === 'string'
    staged.withDoubts ||= row.isDoubtful === true
    return copyLine(checked, row)
  }

  let turnedAt = performance.now()
  let text = ''
  let isMerged = false
  try {
    for await (const some of rows) {
      for (const row of some) text += toCopyLine(row)
      if (text.length > writeLength) {
        await spool.write(text)
        text = ''
      }
      if (performance.now() - turnedAt > maxTurnMs) {
        await (isBusy() ? sleep(yieldDelayMs) : setImmediate())
        turnedAt = performance.now()
      }
    }
    isMerged = !stopOnError
  } finally {
    // The merge detects these itself, among the rows that are left.
    if (!isMerged && staged.hasCommas && doubts.rows > 0) builder.addErrors(doubts.errors, doubts.rows)
  }
  if (text !== '') await spool.write(text)
  return staged
}

/** IDs are made now rather than when a row arrived, up to an hour ago, so that items created later have greater ones. */
export async function copyStaged(session: Session, spool: Spool): Promise<void> {
  const nextId = risingIds()
  await session.query(stagingTable)
  await session.copyIn(copy, async function* () {
    for await (const lines of spool.read()) {
      // A tab within a name is written as \t, so one at the start of a line stands after an empty id.
      yield `\n${lines}`.replaceAll('\n\t', () => `\n${nextId()}\t`).slice(1)
    }
  })
}
