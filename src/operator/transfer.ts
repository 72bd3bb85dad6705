import { randomUUIDv7 } from 'node:crypto'

import { sql } from 'kysely'

import { transactionPosition } from '../changes/record.ts'
import { type Database, inTransaction, onViolation, runIn } from '../database/database.ts'
import type { Engine, Selection } from '../database/engine.ts'
import { Problem } from '../problems.ts'
import { erase } from '../store-managers/store-managers.ts'

export interface Transfer {
  engine: Engine
  from: string
  to: string
  signal: AbortSignal
  progress: { add(items: number): void; restart(): void }
}

/** One statement takes a second or two, within the usual limit. */
const batchSize = 5_000

// Moves all items of a manager in one transaction, and increments their versions, because the owner is a part of an item. Items
// created meanwhile may stay; requests that change one wait, and may get 503.
export function transfer(db: Database, options: Transfer): Promise<number> {
  const moved = inTransaction(db, async (transaction) => {
    options.progress.restart()
    const setId = randomUUIDv7()
    return recordTransfer(transaction, setId, await moveItems(transaction, options, setId))
  })
  return onViolation(moved, itemsOwner, receiverGone)
}

export function remove(db: Database, id: string): Promise<void> {
  const removed = inTransaction(db, (transaction) => erase(transaction, id))
  return onViolation(removed, itemsOwner, ownsItems)
}

/** Leaves no item behind: requests that create one wait. */
export function removeAfterTransfer(db: Database, options: Transfer): Promise<number> {
  const removed = inTransaction(db, async (transaction) => {
    options.progress.restart()
    for (const setting of options.engine.beforeManagers) await runIn(transaction)(setting)
    const setId = randomUUIDv7()
    const moved = await moveItems(transaction, options, setId)
    await transaction.selectFrom('store_managers').select('id').where('id', '=', options.from).forUpdate().execute()
    const rest = await moveItems(transaction, options, setId)
    await erase(transaction, options.from)
    return recordTransfer(transaction, setId, moved + rest)
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

/** Records the change set of a transfer, unless it moved nothing. @returns `moved` */
async function recordTransfer(transaction: Database, id: string, moved: number): Promise<number> {
  const set = { id, kind: 'transfer', source: 'operator', created: 0, updated: moved, deleted: 0 }
  if (moved > 0) await transaction.insertInto('change_sets').values(set).execute()
  return moved
}

/** Moves items batch by batch, and records each as a change of the set. */
async function moveItems(transaction: Database, options: Transfer, setId: string): Promise<number> {
  const { engine, from, signal, progress } = options
  const run = runIn(transaction)
  let moved = 0
  let last: string | undefined
  do {
    const first = last
    // Skips rows that were moved by their IDs, because their old versions stay in the index until the commit.
    last = await lastOfBatch(transaction, from, first)
    const end = last
    const { rowCount: count } = await engine.withItems({ query: run }, batchOf(from, first, end), () => {
      const { sql: text, parameters } = batchQuery(transaction, options, setId, first, end).compile()
      return run(text, parameters)
    })
    moved += count ?? 0
    progress.add(count ?? 0)
    signal.throwIfAborted()
  } while (last !== undefined)
  return moved
}

/** The items of the manager after `first` up to `last`. */
function batchOf(from: string, first: string | undefined, last: string | undefined): Selection {
  const where =
    'store_manager_id = $1::uuid and ($2::uuid is null or id > $2::uuid) and ($3::uuid is null or id <= $3::uuid)'
  return { where, values: [from, first ?? null, last ?? null] }
}

/** Moves the items after `first` up to `last`, and writes an entry for each. */
function batchQuery(transaction: Database, { from, to }: Transfer, setId: string, first?: string, last?: string) {
  let batch = transaction.updateTable('items').set({
    store_manager_id: to,
    version: sql<string>`version + 1`,
    updated_at: sql<Date>`now()`,
    position: sql<string>`greatest(items.position, (${sql.raw(transactionPosition)}))`,
  })
  batch = batch.where('store_manager_id', '=', from)
  if (first !== undefined) batch = batch.where('id', '>', first)
  if (last !== undefined) batch = batch.where('id', '<=', last)
  return transaction
    .with('moved', () => batch.returning(['id', 'version', 'position', 'name']))
    .insertInto('item_changes')
    .columns(['item_id', 'change_set_id', 'kind', 'version', 'position', 'name', 'owner_from', 'owner_to', 'is_part'])
    .expression((query) =>
      query
        .selectFrom('moved')
        .select([
          'id',
          sql<string>`${setId}::uuid`.as('change_set_id'),
          sql<string>`'update'`.as('kind'),
          'version',
          'position',
          'name',
          sql<string>`${from}::uuid`.as('owner_from'),
          sql<string>`${to}::uuid`.as('owner_to'),
          sql<boolean>`true`.as('is_part'),
        ]),
    )
}

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
