import { DatabaseError } from 'pg'

import type { Token } from '../../auth/claims.ts'
import { lockToken } from '../../auth/token-lock.ts'
import type { Semaphore } from '../../concurrency/semaphore.ts'
import { type Session, withLongTransaction } from '../../database/long-transaction.ts'
import type { Idempotency, IdempotentResult } from '../../idempotency.ts'
import { risingIds } from '../../items/ids.ts'
import { tooBusy } from '../../problems.ts'
import { changeNotFound, type EntryRow, readSet, type SetRow, type Source, toEntry, toSet } from '../changes.ts'
import { recordSet } from '../record.ts'
import { type ConflictRow, notOwner, toConflict, undoConflict } from './conflicts.ts'
import { maxListedChanges, maxListedConflicts, type UndoQuery, type UndoReport } from './schemas.ts'
import * as statements from './statements.ts'

export interface Undoer extends Source {
  /** Undos at a time, each with a connection. */
  gate: Semaphore
  idempotency: Idempotency
  /** Whether items of other managers may be written. */
  isShared: boolean
}

export interface UndoRequest {
  id: string
  token: Token
  requestId: string
  key: string | undefined
  query: UndoQuery
  /** Aborted when the client has disconnected. */
  signal: AbortSignal
}

/** Times that an undo is tried during which others write the same items. */
const attempts = 3

const nextSetId = risingIds()

/**
 * Restores what a change set changed, in one transaction.
 *
 * @throws Problem change_not_found; undo_conflict or not_owner if nothing was written because of such items; invalid_token if
 *   the token has ended before the commit; one of the idempotency key; too_busy; store_unavailable
 */
export async function undo(undoer: Undoer, request: UndoRequest): Promise<IdempotentResult<UndoReport>> {
  const { pool, gate, idempotency } = undoer
  const { id, token, key, query, signal } = request
  const set = await readSet(undoer, id)
  using _permit = await gate.acquire(token.sub, signal)
  return await withLongTransaction(pool, signal, async (session) => {
    const keyed = { scope: `undos of ${token.sub}`, key, body: { id, query }, owner: token.sub }
    const restore = () => revert(session, undoer, request, set)
    const result = await idempotency.runInSession(session, { ...keyed, write: restore })
    await lockToken(session, token)
    return result
  })
}

async function revert(session: Session, undoer: Undoer, request: UndoRequest, set: SetRow): Promise<UndoReport> {
  for (let attempt = 1; ; attempt++) {
    await session.query('savepoint undo')
    try {
      const selection = { ...statements.selectionOf(set), isRead: request.query.dry_run }
      return await undoer.pool.engine.withItems(session, selection, () => tryToRevert(session, undoer, request, set))
    } catch (error) {
      if (!(error instanceof Race || isRace(error))) throw error
      if (attempt === attempts) throw tooBusy('The undo conflicted with concurrent writes. Try again.', 1)
      await session.query('rollback to savepoint undo')
    }
  }
}

/** Items were written by others between two statements. */
class Race extends Error {}

/** An item was created, or an owner deleted, meanwhile, or PostgreSQL has resolved a deadlock. */
function isRace(error: unknown): boolean {
  return error instanceof DatabaseError && ['23505', '23503', '40P01'].includes(error.code ?? '')
}

interface Counts {
  created: number
  updated: number
  deleted: number
}

interface Judged {
  kind: string
  /** Null if these entries can be reverted. */
  reason: string | null
  entries: number
}

async function tryToRevert(
  session: Session,
  { isShared }: Undoer,
  { token, requestId, query }: UndoRequest,
  set: SetRow,
): Promise<UndoReport> {
  const { dry_run: isDry = false, on_conflict: onConflict = 'stop' } = query
  const stops = onConflict === 'stop'
  const scope = statements.scopeOf(set.only_item)
  const setId = nextSetId()
  const owner = isShared ? null : token.sub
  const run = async <Row extends object>(statement: string, ...more: unknown[]) =>
    session.query<Row>(statement, [set.set_id, set.only_item, owner, ...more])
  const conflicts = async () =>
    (await run<ConflictRow>(statements.listConflicts(scope, maxListedConflicts), setId)).rows.map(toConflict)

  const judged = (await run<Judged>(statements.count(scope))).rows
  const total = entriesIn(judged)
  // Its entries are purged before the set.
  if (total < sumOf(set)) throw changeNotFound()
  const notOwned = entriesIn(judged.filter(({ reason }) => reason === 'not_owner'))
  if (stops && notOwned > 0) throw notOwner(notOwned)
  const possible = countsOf(judged.filter(({ reason }) => reason === null))
  const conflicting = total - sumOf(possible)
  if (stops && conflicting > 0) throw undoConflict(conflicting, await conflicts())
  if (isDry) {
    const { rows } = await run<EntryRow>(statements.previewChanges(scope, maxListedChanges))
    const skipped = conflicting === 0 ? [] : await conflicts()
    return { dry_run: true, change: null, ...possible, conflicting, changes: rows.map(toEntry), conflicts: skipped }
  }

  const hasGone = judged.some(({ reason }) => reason === 'owner_deleted')
  const goneOwners = hasGone ? await findGoneOwners(session, scope, set) : []
  const written = await write(session, run, { scope, setId, goneOwners, possible })
  const left = total - sumOf(written)
  if (stops && left > 0) throw new Race()
  const skipped = left === 0 ? [] : await conflicts()
  const outcome = { dry_run: false, ...written, conflicting: left, conflicts: skipped }
  if (sumOf(written) === 0) return { ...outcome, change: null, changes: [] }
  const undoSet = { id: setId, kind: 'undo', manager: token.sub, requestId, undoes: set.set_id } as const
  await recordSet(session, undoSet, [written.created, written.updated, written.deleted])
  await session.query(statements.setUndoneBy, [set.set_id, setId])
  const [row] = (await session.query<SetRow>(statements.readSet, [setId])).rows
  const { rows } = await session.query<EntryRow>(statements.readChanges(maxListedChanges), [setId])
  return { ...outcome, change: row === undefined ? null : toSet(row), changes: rows.map(toEntry) }
}

async function findGoneOwners(session: Session, scope: string, set: SetRow): Promise<string[]> {
  const { rows } = await session.query<{ id: string }>(statements.goneOwners(scope), [set.set_id, set.only_item])
  return rows.map(({ id }) => id)
}

type Run = (statement: string, ...more: unknown[]) => Promise<{ rowCount: number | null }>

async function write(
  session: Session,
  run: Run,
  { scope, setId, goneOwners, possible }: { scope: string; setId: string; goneOwners: string[]; possible: Counts },
): Promise<Counts> {
  const written = async (isNeeded: boolean, statement: string, ...more: unknown[]) =>
    isNeeded ? ((await run(statement, setId, ...more)).rowCount ?? 0) : 0
  const deleted = await written(possible.deleted > 0, statements.deleteCreated(scope))
  const updated = await written(possible.updated > 0, statements.updateBack(scope), goneOwners)
  const created = await written(possible.created > 0, statements.createDeleted(scope))
  if (created > 0) {
    const { rows } = await session.query<{ is_overtaken: boolean }>(statements.isOvertaken, [setId])
    if (rows[0]?.is_overtaken) throw new Race()
  }
  return { created, updated, deleted }
}

function entriesIn(judged: Judged[]): number {
  return judged.reduce((sum, { entries }) => sum + entries, 0)
}

function countsOf(judged: Judged[]): Counts {
  const ofKind = (wanted: string) => entriesIn(judged.filter(({ kind }) => kind === wanted))
  return { created: ofKind('delete'), updated: ofKind('update'), deleted: ofKind('create') }
}

function sumOf({ created, updated, deleted }: Counts): number {
  return created + updated + deleted
}
