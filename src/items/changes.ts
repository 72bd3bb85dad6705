import { CompiledQuery } from 'kysely'

import { coalesce } from '../coalesce.ts'
import type { Database } from '../database/database.ts'
import { openGate } from '../gate.ts'
import { Problem } from '../problems.ts'
import { itemNotFound, type ItemReader, lanes } from './items.ts'
import type { ItemUpdate } from './schemas.ts'
import { entityTag, type StoredItem } from './versions.ts'

/** Which items a write may touch. */
export interface Condition {
  /** Those of this manager alone, if one is given. */
  owner: string | undefined
  /** Those of one of these versions, if some are given. */
  versions: string[] | undefined
}

interface Write extends Condition {
  id: string
}

/** Writes that go alone at a time, since each may wait for whoever holds its item. Times are in milliseconds. */
const aloneGate = { places: 4, queue: 1_024, patience: 3_000 }
const lockTimeout = 2_000

/**
 * Changes what `changes` names of an item, and counts its version up if that is anything at all.
 *
 * @throws Problem item_not_found, not_owner or precondition_failed
 */
export type ItemUpdater = (id: string, changes: ItemUpdate, condition: Condition) => Promise<StoredItem>

/** Deletes an item. @throws Problem item_not_found, not_owner or precondition_failed */
export type ItemRemover = (id: string, condition: Condition) => Promise<void>

/** Updates items; `read` reads those that could not be at once. */
export function updater(db: Database, read: ItemReader): ItemUpdater {
  const run = async (statement: string, updates: (Write & { changes: ItemUpdate })[]) => {
    const column = (name: keyof ItemUpdate) => updates.map(({ changes }) => changes[name] ?? null)
    const columns = [column('name'), column('category'), column('price_usd'), column('in_stock')]
    return (await db.executeQuery<StoredItem>(compile(statement, updates, columns))).rows
  }
  const write = writeWithOthers(updateItems, run, read)
  return (id, changes, condition) => write({ id: id.toLowerCase(), changes, ...condition })
}

/** Deletes items; `read` reads those that could not be at once. */
export function remover(db: Database, read: ItemReader): ItemRemover {
  const run = async (statement: string, writes: Write[]) =>
    (await db.executeQuery<{ id: string }>(compile(statement, writes, []))).rows
  const write = writeWithOthers(deleteItems, run, read)
  return async (id, condition) => void (await write({ id: id.toLowerCase(), ...condition }))
}

/**
 * Makes one statement of the writes of one turn of the event loop. It takes only items that nobody else writes at the moment,
 * so it neither keeps its other writes waiting nor can deadlock; a write that it left out though it may be done goes alone.
 */
function writeWithOthers<Kind extends Write, Row extends { id: string }>(
  statement: (isAlone: boolean) => string,
  run: (statement: string, writes: Kind[]) => Promise<Row[]>,
  read: ItemReader,
): (write: Kind) => Promise<Row> {
  const [together, alone] = [statement(false), statement(true)]
  const gate = openGate(aloneGate)
  const writeTogether = coalesce(async (writes: Kind[]) => {
    const firstOf = new Map(writes.toReversed().map((write) => [write.id, write]))
    const rows = await run(together, [...firstOf.values()])
    return new Map(rows.map((row) => [firstOf.get(row.id) as Kind, row]))
  }, lanes)
  return async (write) => {
    let row = await writeTogether(write)
    while (row === undefined) {
      checkCondition(write, await read(write.id))
      row = await gate.run(async () => (await run(alone, [write]))[0])
    }
    return row
  }
}

function compile(statement: string, writes: Write[], columns: unknown[]): CompiledQuery {
  const versions = writes.map((write) => write.versions && `{${write.versions.join()}}`)
  return CompiledQuery.raw(statement, [
    writes.map(({ id }) => id),
    writes.map(({ owner }) => owner),
    versions,
    ...columns,
  ])
}

/** Lets a statement take only items that nobody else writes at the moment; or, alone, wait for its item, but not for ever. */
const waiting = (isAlone: boolean) =>
  isAlone
    ? {
        first: `with patience as materialized (select set_config('lock_timeout', '${lockTimeout}', true))`,
        from: ', patience',
        where: '',
      }
    : {
        first: 'with free as materialized (select id from items where id = any($1) for no key update skip locked)',
        from: ', free',
        where: 'and items.id = free.id',
      }

const mayWrite = `items.id = wanted.id
  and (wanted.owner is null or items.store_manager_id = wanted.owner)
  and (wanted.versions is null or items.version = any(wanted.versions::bigint[]))`

// Written out, because the builder would build the same statements again for each request. Null leaves a column alone.
function updateItems(isAlone: boolean): string {
  const { first, from, where } = waiting(isAlone)
  return `${first}
    update items set name = coalesce(wanted.name, items.name), category = coalesce(wanted.category, items.category),
      price_usd = coalesce(wanted.price_usd, items.price_usd), in_stock = coalesce(wanted.in_stock, items.in_stock),
      version = items.version + least(num_nonnulls(wanted.name, wanted.category, wanted.price_usd, wanted.in_stock), 1)
    from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::numeric[], $7::boolean[])
      as wanted (id, owner, versions, name, category, price_usd, in_stock) ${from}
    where ${mayWrite} ${where}
    returning items.id, items.name, items.category, items.price_usd, items.in_stock, items.store_manager_id, items.version`
}

function deleteItems(isAlone: boolean): string {
  const { first, from, where } = waiting(isAlone)
  return `${first}
    delete from items using unnest($1::uuid[], $2::uuid[], $3::text[]) as wanted (id, owner, versions) ${from}
    where ${mayWrite} ${where}
    returning items.id`
}

/** Says why an item may not be written: it is not there, it is somebody else's, or it is of another version. */
function checkCondition({ owner, versions }: Condition, item: StoredItem | undefined): void {
  if (item === undefined) throw itemNotFound()
  if (owner !== undefined && owner !== item.store_manager_id) {
    throw new Problem('not_owner', 'The item belongs to another manager, who alone may change it.')
  }
  if (versions === undefined || versions.includes(item.version)) return
  const { version: _, ...current } = item
  throw new Problem(
    'precondition_failed',
    'The item is of another version than If-Match names: «current» is what it is now.',
    {
      headers: { etag: entityTag(item) },
      members: { current },
    },
  )
}
