import { setImmediate, setTimeout as sleep } from 'node:timers/promises'

import type { Session } from '../../database/session.ts'
import { risingIds } from '../ids.ts'
import type { Findings } from './report.ts'
import { copyLine, type Row, type RowCheck } from './rows.ts'

/**
 * Milliseconds that an import works without looking for other requests, and that it leaves to them while there are some,
 * as a list does.
 */
const longestTurn = 5
const rest = 5

/** Characters that PostgreSQL is sent together. */
const copiedAtOnce = 64 * 1024

/** Where rows wait, in a transaction of their own, until all of them are known. */
const stagingTable = `
  create temp table imported (
    line integer, id uuid, name text, category text, price_usd numeric, in_stock boolean
  ) on commit drop`
const copy = 'copy pg_temp.imported from stdin'

interface Staging {
  rows: (signal: AbortSignal) => AsyncGenerator<Row[]>
  check: RowCheck
  findings: Findings
  /** Whether nothing is written once a row is bad, so that rows after it need not wait for that. */
  stops: boolean
  /** Whether other requests are at work. */
  isBusy: () => boolean
}

/** What waits in the table `imported`. */
export interface Staged {
  rows: number
  /** Whether some came with an id, so that they may be there already. */
  withIds: boolean
}

/** Checks rows and copies the good ones into the temporary table `imported`, each with an id. The bad ones are noted. */
export async function stage(session: Session, { rows, check, findings, stops, isBusy }: Staging): Promise<Staged> {
  const nextId = risingIds()
  const staged: Staged = { rows: 0, withIds: false }
  const toLine = (row: Row) => {
    const checked = check(row)
    if ('errors' in checked) {
      findings.fail(checked.errors)
      return ''
    }
    if (stops && findings.failed > 0) return ''
    const { id, ...item } = checked.item
    staged.rows++
    staged.withIds ||= typeof id === 'string'
    return copyLine(row.line, id ?? nextId(), item)
  }

  await session.query(stagingTable)
  await session.copyIn(copy, async function* (signal) {
    let [turnedAt, text] = [performance.now(), '']
    for await (const some of rows(signal)) {
      for (const row of some) text += toLine(row)
      if (text.length > copiedAtOnce) {
        yield text
        text = ''
      }
      if (performance.now() - turnedAt > longestTurn) {
        await (isBusy() ? sleep(rest) : setImmediate())
        turnedAt = performance.now()
      }
    }
    if (text !== '') yield text
  })
  return staged
}
