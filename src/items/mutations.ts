import { CompiledQuery } from 'kysely'

import { queryOf, refusal, tokenArrays, tokenColumns, tokenIsValid, tokenValues } from '../auth/token-validity.ts'
import { recordDeletions, recordUpdates, setArrays, setColumns } from '../changes/record.ts'
import { batchReads } from '../concurrency/batching.ts'
import { openSemaphore } from '../concurrency/semaphore.ts'
import { type Database, inTransaction } from '../database/database.ts'
import { Problem, tooBusy } from '../problems.ts'
import { etagOf, type StoredItem } from './etags.ts'
import { risingIds } from './ids.ts'
import { type Caller, itemNotFound, type ItemReader, maxConcurrentBatches } from './items.ts'
import type { ItemUpdate } from './schemas.ts'

/** Which items a write may touch, and by which token. */
export interface Condition extends Caller {
  /** Those of the token's manager alone. */
  isOwnersOnly: boolean
  /** Those of one of these versions, if some are given. */
  versions: string[] | undefined
}

interface Write extends Condition {
  id: string
  changeSetId: string
}

/** Writes that go alone at a time, since each may wait for whoever holds its item. Times are in milliseconds. */
const retrySemaphore = { permits: 4, maxQueue: 1_024, timeout: 3_000 }
const lockTimeout = 2_000

/** Most items are held for the moment of another change, and are free at the next attempt. */
const attemptsTogether = 3

/**
 * Updates the fields that `changes` names, and increments the version of the item if a value differs.
 *
 * @throws Problem invalid_token, item_not_found, not_owner or precondition_failed
 */
export type ItemUpdater = (id: string, changes: ItemUpdate, condition: Condition) => Promise<StoredItem>

/** Deletes an item. @throws Problem invalid_token, item_not_found, not_owner or precondition_failed */
export type ItemRemover = (id: string, condition: Condition) => Promise<void>

/** Updates items; `read` reads those that could not be at once. */
export function itemUpdater(db: Database, read: ItemReader): ItemUpdater {
  const nextId = risingIds()
  const write = batchItemWrites(db, runUpdate, read)
  return (id, changes, condition) => write({ id: id.toLowerCase(), changeSetId: nextId(), changes, ...condition })
}

/** Deletes items; `read` reads those that could not be at once. */
export function itemRemover(db: Database, read: ItemReader): ItemRemover {
  const nextId = risingIds()
  const write = batchItemWrites(db, runDelete, read)
  return async (id, condition) => void (await write({ id: id.toLowerCase(), changeSetId: nextId(), ...condition }))
}

/**
 * Makes one statement of the writes of one turn of the event loop. It takes only items that nobody else writes at the moment,
 * so it neither keeps its other writes waiting nor can deadlock; a write that it left out though it may be done goes alone.
 */
function batchItemWrites<Kind extends Write, Row extends { id: string }>(
  db: Database,
  run: (db: Database, writes: Kind[]) => Promise<Row[]>,
  read: ItemReader,
): (write: Kind) => Promise<Row> {
  const gate = openSemaphore(retrySemaphore)
  const writeTogether = batchReads(async (writes: Kind[]) => {
    const firstOf = new Map(writes.toReversed().map((write) => [write.id, write]))
    const rows = await run(db, [...firstOf.values()])
    return new Map(rows.map((row) => [firstOf.get(row.id) as Kind, row]))
  }, maxConcurrentBatches)
  return async (write) => {
    for (let attempt = 1; attempt <= attemptsTogether; attempt++) {
      const row = await writeTogether(write)
      if (row !== undefined) return row
      // Like every error, it is sent only after a check of the token.
      const problem = problemOf(write, await read(write.id))
      if (problem) throw problem
    }
    return gate.run(() => writeAlone(db, run, write))
  }
}

/** Waits for the item, but not for ever, and writes it in another statement: what is checked there is then up to date. */
function writeAlone<Kind extends Write, Row>(
  db: Database,
  run: (db: Database, writes: Kind[]) => Promise<Row[]>,
  write: Kind,
): Promise<Row> {
  return inTransaction(db, async (transaction) => {
    const { rows } = await transaction.executeQuery<StoredItem>(CompiledQuery.raw(lockItem, [write.id]))
    const [row] = await run(transaction, [write])
    if (row !== undefined) return row
    const refused = await refusal(queryOf(transaction), write.token)
    throw refused ?? problemOf(write, rows[0]) ?? tooBusy('Another request is changing this item. Try again.', 1)
  })
}

async function runUpdate(db: Database, updates: (Write & { changes: ItemUpdate })[]): Promise<StoredItem[]> {
  const column = (name: keyof ItemUpdate) => updates.map(({ changes }) => changes[name] ?? null)
  const columns = [column('name'), column('category'), column('price_usd'), column('in_stock')]
  return (await db.executeQuery<StoredItem>(compile(updateItems, updates, columns))).rows
}

async function runDelete(db: Database, deletions: Write[]): Promise<{ id: string }[]> {
  return (await db.executeQuery<{ id: string }>(compile(deleteItems, deletions, []))).rows
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

// What it returns is the latest version of each row, also if that is newer than the snapshot of the statement.
const free = `free as materialized (
    select id, name, category, price_usd, in_stock from items where id = any($5) for no key update skip locked)`

const isWritable = `items.id = wanted.id and items.id = free.id
  and (items.store_manager_id = wanted.manager_id or not wanted.is_owners_only)
  and (wanted.versions is null or items.version = any(wanted.versions::bigint[]))
  and ${tokenIsValid}`

const stored = `items.id, items.name, items.category, items.price_usd, items.in_stock, items.store_manager_id, items.version`

const lockItem = `
  with limited as materialized (select set_config('lock_timeout', '${lockTimeout}', true))
  select ${stored} from items, limited where items.id = $1 for no key update of items`

const conditionArrays = `${tokenArrays}, $5::uuid[], $6::boolean[], $7::text[], ${setArrays(8)}`
const conditionColumns = `${tokenColumns}, id, is_owners_only, versions, ${setColumns}`

// Written out, because the builder would build the same statements again for each request. Null leaves a column alone.
const updateItems = `
  with wanted as materialized (
    select * from unnest(${conditionArrays}, $10::text[], $11::text[], $12::numeric[], $13::boolean[])
      as wanted (${conditionColumns}, name, category, price_usd, in_stock)),
  ${free},
  updated as (
    update items set name = coalesce(wanted.name, items.name), category = coalesce(wanted.category, items.category),
      price_usd = coalesce(wanted.price_usd, items.price_usd), in_stock = coalesce(wanted.in_stock, items.in_stock),
      version = items.version + ((coalesce(wanted.name, items.name), coalesce(wanted.category, items.category),
        coalesce(wanted.price_usd, items.price_usd), coalesce(wanted.in_stock, items.in_stock))
        is distinct from (items.name, items.category, items.price_usd, items.in_stock))::integer
    from wanted, free
    where ${isWritable}
    returning ${stored}, free.name as old_name, free.category as old_category, free.price_usd as old_price_usd,
      free.in_stock as old_in_stock, wanted.manager_id, wanted.change_set_id, wanted.request_id),
  ${recordUpdates}
  select id, name, category, price_usd, in_stock, store_manager_id, version from updated`

const deleteItems = `
  with wanted as materialized (select * from unnest(${conditionArrays}) as wanted (${conditionColumns})),
  ${free},
  deleted as (
    delete from items using wanted, free
    where ${isWritable}
    returning ${stored}, wanted.manager_id, wanted.change_set_id, wanted.request_id),
  ${recordDeletions}
  select id from deleted`

/** Why an item may not be written: it is not there, it is another manager's, or it is of another version. */
function problemOf({ token, isOwnersOnly, versions }: Condition, item: StoredItem | undefined): Problem | undefined {
  if (item === undefined) return itemNotFound()
  if (isOwnersOnly && token.sub !== item.store_manager_id) {
    return new Problem('not_owner', 'Only its owner may change this item. Ask them, or change one of your own.')
  }
  if (versions === undefined || versions.includes(item.version)) return undefined
  const { version: _, ...current } = item
  return new Problem(
    'precondition_failed',
    'The item has changed since the version in If-Match. `current` is the latest version: apply the change to it and retry.',
    {
      headers: { etag: etagOf(item) },
      members: { current },
    },
  )
}
