import { randomUUIDv7 } from 'node:crypto'

import { CompiledQuery, sql } from 'kysely'

import { managerGone } from '../auth/tokens.ts'
import { coalesce, coalesceWrites } from '../coalesce.ts'
import type { Context } from '../context.ts'
import { type Database, isKey, onViolation, readByKeys } from '../database/database.ts'
import type { Outcome } from '../idempotency.ts'
import { Problem } from '../problems.ts'
import type { Item, ItemCreate, ItemUpdate } from './schemas.ts'
import { entityTag, type StoredItem } from './versions.ts'

const columns = [
  'items.id',
  'items.name',
  'items.category',
  'items.price_usd',
  'items.in_stock',
  'items.store_manager_id',
] as const

/** Statements of one kind that run at a time. Over one connection commits would queue (3,000 a second), over these they do not (21,000). */
const lanes = 4

export type ItemReader = (id: string) => Promise<StoredItem | undefined>

/** Reads items by id, those of one turn of the event loop at once; with `expand`, each with its owner. */
export function reader(db: Database, expand = false): ItemReader {
  const read = readByKeys(db, select(db, expand).select('items.version').where(isKey('items.id')).compile())
  return coalesce(async (ids) => {
    const rows = await read(ids)
    return new Map(rows.map((row) => [row.id, expand ? withOwner(row) : row]))
  }, lanes)
}

/** @throws Problem item_not_found */
export async function get(read: ItemReader, id: string): Promise<StoredItem> {
  const item = await read(id.toLowerCase())
  if (item === undefined) throw itemNotFound()
  return item
}

/** Creates an item, once for each `key` of its owner if there is one. @throws Problem invalid_token if `owner` is gone by now */
export type ItemCreator = (owner: string, item: ItemCreate, key?: string) => Promise<Outcome<StoredItem>>

/**
 * Writes new items, those of one turn of the event loop in one statement, but those with a key each in its transaction.
 * Each is there when its write is answered.
 */
export function creator({ db, idempotency }: Pick<Context, 'db' | 'idempotency'>): ItemCreator {
  const writeWithOthers = coalesceWrites((items: Item[]) => insertAll(db, items), lanes)
  const prepare = async (owner: string, { name, category, price_usd, in_stock }: ItemCreate) => {
    // A price of -0 is stored as 0.
    const item = { id: randomUUIDv7(), name, category, price_usd: price_usd + 0, in_stock, store_manager_id: owner }
    const write = (transaction?: Database) =>
      onViolation(
        transaction ? insertAll(transaction, [item]) : writeWithOthers(item),
        'items_store_manager_id_foreign',
        managerGone,
      )
    return { answer: { ...item, version: '1' }, write }
  }
  return (owner, item, key) =>
    idempotency.once({ scope: `items of ${owner}`, key, body: item }, () => prepare(owner, item))
}

// Written out, because the builder would build the same statements again for each request. Null leaves a column alone.
const updateItem = `
  update items set name = coalesce($2, name), category = coalesce($3, category), price_usd = coalesce($4, price_usd),
    in_stock = coalesce($5, in_stock), version = version + least(num_nonnulls($2, $3, $4, $5), 1)
  where id = $1 and store_manager_id = coalesce($6, store_manager_id) and ($7::bigint[] is null or version = any($7))
  returning id, name, category, price_usd, in_stock, store_manager_id, version`
const deleteItem = `
  delete from items
  where id = $1 and store_manager_id = coalesce($2, store_manager_id) and ($3::bigint[] is null or version = any($3))`

/** Which items a write may touch. */
export interface Condition {
  /** Those of this manager alone, if one is given. */
  owner: string | undefined
  /** Those of one of these versions, if some are given. */
  versions: string[] | undefined
}

/**
 * Changes what `changes` names, and counts the version up if that is anything at all.
 *
 * @throws Problem item_not_found, not_owner or precondition_failed
 */
export async function update(
  db: Database,
  id: string,
  changes: ItemUpdate,
  { owner, versions }: Condition,
): Promise<StoredItem> {
  const { name, category, price_usd: price, in_stock: inStock } = changes
  const parameters = [id, name, category, price, inStock, owner, versions].map((value) => value ?? null)
  const { rows } = await db.executeQuery<StoredItem>(CompiledQuery.raw(updateItem, parameters))
  return rows[0] ?? refuse(db, id, owner)
}

/** Deletes an item. @throws Problem item_not_found, not_owner or precondition_failed */
export async function remove(db: Database, id: string, { owner, versions }: Condition): Promise<void> {
  const parameters = [id, owner, versions].map((value) => value ?? null)
  const { numAffectedRows } = await db.executeQuery(CompiledQuery.raw(deleteItem, parameters))
  if (numAffectedRows === 0n) await refuse(db, id, owner)
}

async function insertAll(db: Database, items: Item[]): Promise<void> {
  const column = (name: keyof Item) => items.map((item) => item[name])
  await sql`
    insert into items (id, name, category, price_usd, in_stock, store_manager_id)
    select * from unnest(${column('id')}::uuid[], ${column('name')}::text[], ${column('category')}::text[],
      ${column('price_usd')}::numeric[], ${column('in_stock')}::boolean[], ${column('store_manager_id')}::uuid[])
  `.execute(db)
}

/** The query of items, in the order of the columns on the wire; with `expand`, each with its owner's name. */
export function select(db: Database, expand: boolean) {
  return db
    .selectFrom('items')
    .select(columns)
    .$if(expand, (query) =>
      query
        .innerJoin('store_managers', 'store_managers.id', 'items.store_manager_id')
        .select('store_managers.name as owner_name'),
    )
}

function withOwner({ owner_name: name = '', ...item }: StoredItem & { owner_name?: string }): StoredItem {
  return { ...item, store_manager: { id: item.store_manager_id, name } }
}

/** Says why no item was written: it is not there, it is somebody else's, or it is of another version. */
async function refuse(db: Database, id: string, owner: string | undefined): Promise<never> {
  const query = select(db, false).select('items.version').where('items.id', '=', id)
  const item = await query.executeTakeFirstOrThrow(itemNotFound)
  if (owner !== undefined && owner !== item.store_manager_id) {
    throw new Problem('not_owner', 'The item belongs to another manager, who alone may change it.')
  }
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

function itemNotFound(): Problem {
  return new Problem('item_not_found', 'There is no item with this id.')
}
