import { randomUUIDv7 } from 'node:crypto'

import { managerGone } from '../auth/tokens.ts'
import { type Database, onViolation } from '../database/database.ts'
import { Problem } from '../problems.ts'
import type { Item, ItemCreate, ItemUpdate } from './schemas.ts'

const columns = [
  'items.id',
  'items.name',
  'items.category',
  'items.price_usd',
  'items.in_stock',
  'items.store_manager_id',
] as const

/** Every item by its id, the oldest first; with `expand`, each with its owner. */
export async function list(db: Database, expand = false): Promise<Record<string, Item>> {
  const rows = await select(db, expand).orderBy('items.id').execute()
  return Object.fromEntries(rows.map((row) => [row.id, withOwner(row)]))
}

/** @throws Problem item_not_found */
export async function get(db: Database, id: string, expand = false): Promise<Item> {
  return withOwner(await select(db, expand).where('items.id', '=', id).executeTakeFirstOrThrow(itemNotFound))
}

/** @throws Problem invalid_token if `owner` is gone by now */
export function create(
  db: Database,
  owner: string,
  { name, category, price_usd, in_stock }: ItemCreate,
): Promise<Item> {
  const insert = db
    .insertInto('items')
    .values({ id: randomUUIDv7(), name, category, price_usd, in_stock, store_manager_id: owner })
    .returning(columns)
    .executeTakeFirstOrThrow()
  return onViolation(insert, 'items_store_manager_id_foreign', managerGone)
}

/**
 * Changes what `changes` names. Only items of `owner` are touched, if one is given.
 *
 * @throws Problem item_not_found or not_owner
 */
export async function update(db: Database, id: string, changes: ItemUpdate, owner?: string): Promise<Item> {
  const set = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== null))
  const item = await db
    .updateTable('items')
    .set(Object.keys(set).length === 0 ? (expression) => ({ id: expression.ref('items.id') }) : set)
    .where('id', '=', id)
    .$if(owner !== undefined, (query) => query.where('store_manager_id', '=', owner ?? ''))
    .returning(columns)
    .executeTakeFirst()
  return item ?? refuse(db, id)
}

/**
 * Deletes an item, only one of `owner` if one is given.
 *
 * @throws Problem item_not_found or not_owner
 */
export async function remove(db: Database, id: string, owner?: string): Promise<void> {
  const { numDeletedRows } = await db
    .deleteFrom('items')
    .where('id', '=', id)
    .$if(owner !== undefined, (query) => query.where('store_manager_id', '=', owner ?? ''))
    .executeTakeFirstOrThrow()
  if (numDeletedRows === 0n) await refuse(db, id)
}

function select(db: Database, expand: boolean) {
  return db
    .selectFrom('items')
    .select(columns)
    .$if(expand, (query) =>
      query
        .innerJoin('store_managers', 'store_managers.id', 'items.store_manager_id')
        .select('store_managers.name as owner_name'),
    )
}

function withOwner({ owner_name: name, ...item }: Item & { owner_name?: string }): Item {
  return name === undefined ? item : { ...item, store_manager: { id: item.store_manager_id, name } }
}

/** Says why no item was written: it is not there, or it is somebody else's. */
async function refuse(db: Database, id: string): Promise<never> {
  await get(db, id)
  throw new Problem('not_owner', 'The item belongs to another manager, who alone may change it.')
}

function itemNotFound(): Problem {
  return new Problem('item_not_found', 'There is no item with this id.')
}
