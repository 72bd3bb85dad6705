import { DatabaseError } from 'pg'

import { lockToken } from '../../auth/token-lock.ts'
import { setColumns, type SetRow, toEntry, toSet } from '../../changes/changes.ts'
import { recordSet } from '../../changes/record.ts'
import type { ChangeSet } from '../../changes/schemas.ts'
import type { Semaphore } from '../../concurrency/semaphore.ts'
import type { Database } from '../../database/database.ts'
import { type Session, withLongTransaction } from '../../database/long-transaction.ts'
import type { ConnectionPool } from '../../database/pool.ts'
import type { Idempotency, IdempotentResult } from '../../idempotency.ts'
import { Problem, tooBusy } from '../../problems.ts'
import { risingIds } from '../ids.ts'
import type { Caller } from '../items.ts'
import type { BulkReport, BulkRequest } from './schemas.ts'
import { bulkStatement, type Outcome, type Refusal, selectedItems } from './statement.ts'

export interface BulkEditor {
  db: Database
  pool: ConnectionPool
  idempotency: Idempotency
  semaphore: Semaphore
  isShared: boolean
  needsCount: boolean
}

export interface BulkCall extends Caller {
  key: string | undefined
  body: BulkRequest
  isDry: boolean
  signal: AbortSignal
}

const attempts = 3

/** The default memory takes a fifth more time for many items. With fewer digits, valid prices would be refused. */
const settings = `set local work_mem = '64MB'; set local extra_float_digits = 1`

const nextSetId = risingIds()

/**
 * @throws Problem invalid_request, precondition_required, unexpected_count, bulk_failed, invalid_token, too_busy, or one of the
 *   idempotency key
 */
export async function changeInBulk(editor: BulkEditor, call: BulkCall): Promise<IdempotentResult<BulkReport>> {
  const { pool, idempotency, semaphore } = editor
  const { token, key, body, isDry, signal } = call
  requireCount(editor, call)
  const write = writer(editor, call)
  using _permit = await semaphore.acquire(token.sub, signal)
  return await withLongTransaction(pool, signal, async (session) => {
    const keyed = { scope: `bulk changes of ${token.sub}`, key, body: { body, isDry }, owner: token.sub }
    const result = await idempotency.runInSession(session, { ...keyed, write: () => write(session) })
    await lockToken(session, token)
    return result
  })
}

/** Compiles the statements, before a connection is taken. */
function writer({ db, pool, isShared }: BulkEditor, call: BulkCall): (session: Session) => Promise<BulkReport> {
  const { token, requestId, body, isDry } = call
  const setId = nextSetId()
  const { sql: where, parameters } = selectedItems(body.select, token.sub).compile(db)
  const selection = { where, values: parameters, isRead: isDry }
  const statement = bulkStatement(body, { me: token.sub, isShared, isDry }, setId).compile(db)
  return async (session) => {
    await session.query(settings)
    const change = () => session.query<Outcome>(statement.sql, [...statement.parameters])
    const outcome = await run(session, () => pool.engine.withItems(session, selection, change))
    refuse(outcome, body)
    const { different } = outcome
    const isWritten = different > 0 && !isDry
    const counts = body.change === 'delete' ? [0, 0, different] : [0, different, 0]
    const set = { id: setId, kind: 'bulk' as const, manager: token.sub, requestId }
    if (isWritten) await recordSet(session, set, counts)
    return reportOf(call, outcome, isWritten ? await readSet(session, setId) : null)
  }
}

/** A filter that a program left out by mistake would select all items. */
function requireCount({ needsCount }: BulkEditor, { body: { select, expect }, isDry }: BulkCall): void {
  if (expect !== undefined || isDry) return
  const { q = '', ...others } = select.filters ?? {}
  const isEverything = select.ids === undefined && q.trim() === '' && Object.keys(others).length === 0
  if (!needsCount && !isEverything) return
  const why = needsCount ? 'This service requires it' : 'The selection has no filter, so it is all items'
  throw new Problem('precondition_required', `expect is required. ${why}. Send the number that a dry run matches.`)
}

async function run(session: Session, change: () => Promise<{ rows: Outcome[] }>): Promise<Outcome> {
  for (let attempt = 1; ; attempt++) {
    await session.query('savepoint bulk')
    try {
      const { rows } = await change()
      return rows[0] as Outcome
    } catch (error) {
      if (!(error instanceof DatabaseError && error.code === '40P01')) throw error
      if (attempt === attempts) throw tooBusy('The change conflicted with concurrent writes. Try again.', 1)
      await session.query('rollback to savepoint bulk')
    }
  }
}

async function readSet(session: Session, id: string): Promise<ChangeSet> {
  const { rows } = await session.query<SetRow>(`select ${setColumns} from change_sets where id = $1`, [id])
  return toSet(rows[0] as SetRow)
}

function refuse({ owned, not_owned: others, refused, refusals }: Outcome, { expect }: BulkRequest): void {
  const matched = owned + others
  if (expect !== undefined && expect.matched !== matched) {
    const detail = `The selection matches ${count(matched)}, not ${expect.matched}. Nothing was changed. Repeat the dry run.`
    throw new Problem('unexpected_count', detail, { members: { matched } })
  }
  if (refusals === null) return
  const errors = refusals.map(toError)
  const detail = `Nothing was changed: ${count(refused)} cannot have the new price, first ${errors[0]?.item_id} (${errors[0]?.msg}).`
  throw new Problem('bulk_failed', detail, {
    members: { matched, failed: refused, errors, errors_omitted: refused - errors.length },
  })
}

function count(items: number): string {
  return items === 1 ? '1 item' : `${items} items`
}

function toError({ item_id, price, is_negative: isNegative }: Refusal) {
  return isNegative
    ? { item_id, type: 'greater_than_equal', msg: `would cost ${price}: must be at least 0` }
    : {
        item_id,
        type: 'finite_number',
        msg: `would cost ${price}: must be exactly representable as a 64-bit float; send round`,
      }
}

const noFields = {
  name_from: null,
  category_from: null,
  category_to: null,
  price_usd_from: null,
  price_usd_to: null,
  in_stock_from: null,
  in_stock_to: null,
  owner_from: null,
  owner_to: null,
}

function reportOf({ body: { select }, isDry }: BulkCall, outcome: Outcome, change: ChangeSet | null): BulkReport {
  const { owned, not_owned, different, shown } = outcome
  const matched = owned + not_owned
  const ids = select.ids && new Set(select.ids.map((id) => id.toLowerCase()))
  return {
    dry_run: isDry,
    matched,
    changed: different,
    unchanged: owned - different,
    not_owned,
    not_found: ids === undefined ? 0 : ids.size - matched,
    change,
    changes: shown.map((row) => toEntry({ ...noFields, ...row })),
  }
}
