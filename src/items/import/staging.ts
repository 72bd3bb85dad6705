import { setImmediate, setTimeout as sleep } from 'node:timers/promises'

import type { Session } from '../../database/long-transaction.ts'
import { risingIds } from '../ids.ts'
import { ambiguousPrice, type Conflict, type Staged } from './conflicts.ts'
import type { ReportBuilder } from './report.ts'
import { copyLine, type Row, type RowCheck } from './rows.ts'
import { listedErrors } from './schemas.ts'
import type { Spool } from './spool.ts'

/**
 * Milliseconds that an import works without looking for other requests, and that it leaves to them while there are some,
 * as a list does.
 */
const longestTurn = 5
const rest = 5

/** Characters that are written to the spool together. */
const writtenAtOnce = 64 * 1024

/** Where rows are while they are merged. Poolers may change the session after a transaction, so it ends with that. */
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
  findings: ReportBuilder
  /** Whether nothing is written once a row is bad, so that rows after it need not be kept. */
  stops: boolean
  /** Whether other requests are at work. */
  isBusy: () => boolean
}

/** Checks rows as they arrive and writes the good ones into `spool`. The bad ones are noted. */
export async function stage({ rows, spool, check, findings, stops, isBusy }: Staging): Promise<Staged> {
  const staged: Staged = { rows: 0, withIds: false, withDoubts: false, hasCommas: false }
  const doubts: Conflict = { rows: 0, errors: [] }
  const toCopyLine = (row: Row) => {
    const checked = check(row)
    staged.hasCommas ||= row.hasCommas === true
    if ('count' in checked) {
      findings.failRow(checked)
      return ''
    }
    if (row.isDoubtful) {
      doubts.rows++
      if (doubts.errors.length < listedErrors) doubts.errors.push(ambiguousPrice(row.line, checked.item.price_usd))
    }
    if (stops && findings.failed > 0) return ''
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
      if (text.length > writtenAtOnce) {
        await spool.write(text)
        text = ''
      }
      if (performance.now() - turnedAt > longestTurn) {
        await (isBusy() ? sleep(rest) : setImmediate())
        turnedAt = performance.now()
      }
    }
    isMerged = !stops
  } finally {
    // The merge finds them itself, among the rows that are left.
    if (!isMerged && staged.hasCommas && doubts.rows > 0) findings.fail(doubts.errors, doubts.rows)
  }
  if (text !== '') await spool.write(text)
  return staged
}

/**
 * Copies the rows into the temporary table `imported`. Those without an id get one now rather than when they arrived,
 * because that may have been an hour ago, and a later item has a greater id.
 */
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
