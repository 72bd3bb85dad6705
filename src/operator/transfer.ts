import { sql } from 'kysely'

import { type Database, inTransaction, onViolation } from '../database/database.ts'
import { Problem } from '../problems.ts'
import { erase } from '../store-managers/store-managers.ts'

/** From whom to whom all items go, by ID. */
export interface Transfer {
  from: string
  to: string
  /** Aborted to roll all of it back. */
  signal: AbortSignal
  progress: { add(items: number): void; restart(): void }
}

/** Items that one statement moves, which takes a second or two: it has to end within the usual limit. */
const batchSize = 5_000

/**
 * Moves all items of a manager to another in one transaction, with their versions counted up: the owner is a part of an item.
 * Items that are created meanwhile may be left; requests that change one wait, and may get 503, until it ends.
 *
 * @returns how many were moved
 * @throws Problem not_found if the other manager is gone by now; too_busy; the reason of `signal`
 */
export function transfer(db: Database, how: Transfer): Promise<number> {
  const moved = inTransaction(db, async (transaction) => {
    how.progress.restart()
    return moveItems(transaction, how)
  })
  return onViolation(moved, itemsOwner, receiverGone)
}

/** Deletes a manager, who must own no items. @throws Problem manager_owns_items */
export function remove(db: Database, id: string): Promise<void> {
  const removed = inTransaction(db, (transaction) => erase(transaction, id))
  return onViolation(removed, itemsOwner, ownsItems)
}

/** Moves all items of a manager as `transfer` does, and deletes the manager. None is left: requests that create one wait. */
export function removeAfterTransfer(db: Database, how: Transfer): Promise<number> {
  const removed = inTransaction(db, async (transaction) => {
    how.progress.restart()
    const moved = await moveItems(transaction, how)
    await transaction.selectFrom('store_managers').select('id').where('id', '=', how.from).forUpdate().execute()
    const rest = await moveItems(transaction, how)
    await erase(transaction, how.from)
    return moved + rest
  })
  return onViolation(removed, itemsOwner, receiverGone)
}

export function ownsItems(): Problem {
  const detail = 'The manager owns items. Move them to another manager first: --transfer-to, or manager transfer.'
  return new Problem('manager_owns_items', detail)
}

const itemsOwner = 'items_store_manager_id_foreign'

function receiverGone(): Problem {
  return new Problem('not_found', 'The receiving manager no longer exists. Nothing was changed.')
}

async function moveItems(transaction: Database, { from, to, signal, progress }: Transfer): Promise<number> {
  let moved = 0
  let last: string | undefined
  do {
    const first = last
    // Rows that were moved are passed over by their IDs: their old versions stay in the index until the commit.
    last = await lastOfBatch(transaction, from, first)
    let batch = transaction.updateTable('items').set({ store_manager_id: to, version: sql<string>`version + 1` })
    batch = batch.where('store_manager_id', '=', from)
    if (first !== undefined) batch = batch.where('id', '>', first)
    if (last !== undefined) batch = batch.where('id', '<=', last)
    const { numUpdatedRows } = await batch.executeTakeFirstOrThrow()
    moved += Number(numUpdatedRows)
    progress.add(Number(numUpdatedRows))
    signal.throwIfAborted()
  } while (last !== undefined)
  return moved
}

/** The ID of the last item of a full batch that comes after the item `after`; undefined if there are fewer. */
async function lastOfBatch(transaction: Database, from: string, after: string | undefined) {
  let query = transaction.selectFrom('items').select('id').where('store_manager_id', '=', from)
  if (after !== undefined) query = query.where('id', '>', after)
  return (
    await query
      .orderBy('id')
      .offset(batchSize - 1)
      .limit(1)
      .executeTakeFirst()
  )?.id
}
