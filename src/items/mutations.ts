import { CompiledQuery } from 'kysely'

import { queryOf, refusal, tokenValues } from '../auth/token-validity.ts'
import { fields } from '../changes/record.ts'
import { batchReads } from '../concurrency/batching.ts'
import { openSemaphore } from '../concurrency/semaphore.ts'
import type { Context } from '../context.ts'
import { type Database, inTransaction, runSql } from '../database/database.ts'
import { observeBatches, watchSemaphore } from '../observability/metrics/watch.ts'
import { Problem, tooBusy } from '../problems.ts'
import { etagOf, type StoredItem } from './etags.ts'
import { risingIds } from './ids.ts'
import { type Caller, itemNotFound, type ItemReader, maxConcurrentBatches, toItem } from './items.ts'
import * as statements from './mutation-statements.ts'
import type { ItemUpdate } from './schemas.ts'

type WriteContext = Pick<Context, 'db' | 'pool' | 'metrics' | 'tracer'>

export interface Condition extends Caller {
  isOwnersOnly: boolean
  versions: string[] | undefined
}

interface Write extends Condition {
  id: string
  changeSetId: string
}

/** Single writes, each of which may wait for a transaction that holds its item. Times are in milliseconds. */
const retrySemaphore = { permits: 4, maxQueue: 1_024, timeout: 3_000 }
const lockTimeout = 2_000

/** Transactions that write one item each, at a time. */
const apartSemaphore = { permits: 8, maxQueue: 1_024, timeout: 9_000 }

/** Most items are locked only for the moment of another change, and are free at the next attempt. */
const attemptsTogether = 3

/** @throws Problem invalid_token, item_not_found, not_owner or precondition_failed */
export type ItemUpdater = (id: string, changes: ItemUpdate, condition: Condition) => Promise<StoredItem>

/** @throws Problem invalid_token, item_not_found, not_owner or precondition_failed */
export type ItemRemover = (id: string, condition: Condition) => Promise<void>

export function itemUpdater(context: WriteContext, read: ItemReader): ItemUpdater {
  const nextId = risingIds()
  const write = itemWriter(context, { name: 'updates', run: runUpdate, runApart: updateApart, read })
  return (id, changes, condition) => write({ id: id.toLowerCase(), changeSetId: nextId(), changes, ...condition })
}

export function itemRemover(context: WriteContext, read: ItemReader): ItemRemover {
  const nextId = risingIds()
  const write = itemWriter(context, { name: 'deletions', run: runDelete, runApart: deleteApart, read })
  return async (id, condition) => void (await write({ id: id.toLowerCase(), changeSetId: nextId(), ...condition }))
}

interface WriteMethod<Kind extends Write, Row> {
  name: 'updates' | 'deletions'
  run: (db: Database, writes: Kind[]) => Promise<Row[]>
  /** Like `run`, for one write of an item that is locked, and which no statement can both write and record. */
  runApart: (db: Database, write: Kind, item: LockedItem) => Promise<Row[]>
  read: ItemReader
}

function itemWriter<Kind extends Write, Row extends { id: string }>(
  context: WriteContext,
  method: WriteMethod<Kind, Row>,
): (write: Kind) => Promise<Row> {
  if (context.pool.engine.writesTogether) return batchItemWrites(context, method)
  const gate = watchSemaphore(context.metrics, `retried_${method.name}`, openSemaphore(apartSemaphore))
  return (write) =>
    gate.run(() =>
      writeAlone(context, write, (transaction, item) => (item ? method.runApart(transaction, write, item) : [])),
    )
}

// Makes one statement of the writes of one turn of the event loop. It skips locked items, so it neither delays its other
// writes nor can deadlock; a skipped write that is still allowed runs alone.
function batchItemWrites<Kind extends Write, Row extends { id: string }>(
  { db, pool, metrics, tracer }: WriteContext,
  { name, run, read }: WriteMethod<Kind, Row>,
): (write: Kind) => Promise<Row> {
  const gate = watchSemaphore(metrics, `retried_${name}`, openSemaphore(retrySemaphore))
  const writeInBatch = batchReads(
    async (writes: Kind[]) => {
      const byId = new Map(writes.toReversed().map((write) => [write.id, write]))
      const rows = await run(db, [...byId.values()])
      return new Map(rows.map((row) => [byId.get(row.id) as Kind, row]))
    },
    maxConcurrentBatches,
    observeBatches({ metrics, tracer }, name),
  )
  return async (write) => {
    for (let attempt = 1; attempt <= attemptsTogether; attempt++) {
      const row = await writeInBatch(write)
      if (row !== undefined) return row
      // Like every error, it is sent only after a check of the token.
      const problem = problemOf(write, await read(write.id))
      if (problem) throw problem
    }
    return gate.run(() => writeAlone({ db, pool }, write, (transaction) => run(transaction, [write])))
  }
}

/** Waits for the item, but not forever. The write is another statement, which checks the state after the wait. */
function writeAlone<Row>(
  { db, pool: { engine } }: Pick<WriteContext, 'db' | 'pool'>,
  write: Write,
  run: (db: Database, item: LockedItem | undefined) => Row[] | Promise<Row[]>,
): Promise<Row> {
  return inTransaction(db, async (transaction) => {
    for (const setting of engine.limitLocks(lockTimeout)) await runSql(transaction, setting, [])
    const [item] = await runSql<LockedItem>(transaction, statements.lockItem, [write.id])
    const [row] = await run(transaction, item)
    if (row !== undefined) return row
    const refused = await refusal(queryOf(transaction), write.token)
    throw refused ?? problemOf(write, item) ?? tooBusy('Another request is changing this item. Try again.', 1)
  })
}

interface Update extends Write {
  changes: ItemUpdate
}

async function runUpdate(db: Database, updates: Update[]): Promise<StoredItem[]> {
  return (await db.executeQuery<StoredItem>(compile(statements.updateItems, updates, changedColumns(updates)))).rows
}

function changedColumns(updates: Update[]): unknown[][] {
  return fields.map((name) => updates.map(({ changes }) => changes[name] ?? null))
}

async function runDelete(db: Database, deletions: Write[]): Promise<{ id: string }[]> {
  return (await db.executeQuery<{ id: string }>(compile(statements.deleteItems, deletions, []))).rows
}

function compile(statement: string, writes: Write[], columns: unknown[][]): CompiledQuery {
  return CompiledQuery.raw(statement, [
    ...tokenValues(writes.map(({ token }) => token)),
    writes.map(({ id }) => id),
    writes.map(({ isOwnersOnly }) => isOwnersOnly),
    writes.map(({ versions }) => versions && `{${versions.join()}}`),
    writes.map(({ changeSetId }) => changeSetId),
    writes.map(({ requestId }) => requestId),
    ...columns,
  ])
}

interface LockedItem extends StoredItem {
  position: string
}

function lockedValues(item: LockedItem): unknown[] {
  const { id, name, category, price_usd, in_stock, store_manager_id, version, position } = item
  return [id, name, category, price_usd, in_stock, store_manager_id, version, position]
}

async function updateApart(db: Database, write: Update, item: LockedItem): Promise<StoredItem[]> {
  const { sql, parameters } = compile(statements.recordUpdate, [write], changedColumns([write]))
  const rows = await runSql<StoredItem & { position: string | null }>(db, sql, [...parameters, ...lockedValues(item)])
  return Promise.all(
    rows.map(async ({ position, ...row }) => {
      const { id, name, category, price_usd, in_stock, version } = row
      const values = [id, name, category, price_usd, in_stock, version, position]
      if (position !== null) await runSql(db, statements.writeItem, values)
      return row
    }),
  )
}

async function deleteApart(db: Database, write: Write, item: LockedItem): Promise<{ id: string }[]> {
  const { sql, parameters } = compile(statements.recordDeletion, [write], [])
  const rows = await runSql<{ id: string }>(db, sql, [...parameters, ...lockedValues(item)])
  if (rows.length > 0) await runSql(db, statements.deleteItem, [item.id])
  return rows
}

function problemOf({ token, isOwnersOnly, versions }: Condition, item: StoredItem | undefined): Problem | undefined {
  if (item === undefined) return itemNotFound()
  if (isOwnersOnly && token.sub !== item.store_manager_id) {
    return new Problem('not_owner', 'Only its owner may change this item. Ask them, or change one of your own.')
  }
  if (versions === undefined || versions.includes(item.version)) return undefined
  return new Problem(
    'precondition_failed',
    'The item has changed since the version in If-Match. `current` is the latest version: apply the change to it and retry.',
    {
      headers: { etag: etagOf(item) },
      members: { current: toItem(item) },
    },
  )
}
