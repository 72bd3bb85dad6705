import { CompiledQuery } from 'kysely'

import type { Token } from '../auth/claims.ts'
import { queryOf, refusal, tokenArrays, tokenColumns, tokenIsValid, tokenValues } from '../auth/token-validity.ts'
import { loggedOut, managerGone } from '../auth/tokens.ts'
import { recordCreations, setArrays, setColumns } from '../changes/record.ts'
import { batchReads, batchWrites } from '../concurrency/batching.ts'
import type { Context } from '../context.ts'
import { type Database, isKey, onViolation, readByKeys } from '../database/database.ts'
import type { IdempotentResult } from '../idempotency.ts'
import { Problem } from '../problems.ts'
import type { StoredItem } from './etags.ts'
import { risingIds } from './ids.ts'
import type { Item, ItemCreate } from './schemas.ts'

const columns = [
  'items.id',
  'items.name',
  'items.category',
  'items.price_usd',
  'items.in_stock',
  'items.store_manager_id',
] as const

/** Statements of one kind that run at a time. Over one connection commits would queue (3,000 a second), over these they do not (21,000). */
export const maxConcurrentBatches = 4

export type ItemReader = (id: string) => Promise<StoredItem | undefined>

/** Reads items by id, those of one turn of the event loop at once; with `expand`, each with its owner. */
export function itemReader(db: Database, expand = false): ItemReader {
  const read = readByKeys(db, selectItems(db, expand).select('items.version').where(isKey('items.id')).compile())
  return batchReads(async (ids) => {
    const rows = await read(ids)
    return new Map(rows.map((row) => [row.id, expand ? withOwner(row) : row]))
  }, maxConcurrentBatches)
}

/** @throws Problem item_not_found */
export async function get(read: ItemReader, id: string): Promise<StoredItem> {
  const item = await read(id.toLowerCase())
  if (item === undefined) throw itemNotFound()
  return item
}

/**
 * Creates an item of the token's manager, once for each of their `key`s if there is one.
 *
 * @throws Problem invalid_token if the token has ended by now
 */
export type ItemCreator = (caller: Caller, item: ItemCreate, key?: string) => Promise<IdempotentResult<StoredItem>>

/** Who writes, and in which request. */
export interface Caller {
  token: Token
  requestId: string
}

/**
 * Writes new items, those of one turn of the event loop in one statement, but those with a key each in its transaction.
 * Each is there when its write is answered.
 */
export function itemCreator({
  db,
  idempotency,
  checkToken,
}: Pick<Context, 'db' | 'idempotency' | 'checkToken'>): ItemCreator {
  const nextId = risingIds()
  const writeWithOthers = batchWrites((creations: Creation[]) => insertAll(db, creations), maxConcurrentBatches)
  const insert = async (creation: Creation, transaction?: Database) => {
    const isWritten = transaction
      ? (await insertAll(transaction, [creation])).has(creation)
      : await writeWithOthers(creation)
    if (!isWritten) throw (await refusal(queryOf(transaction ?? db), creation.token)) ?? loggedOut()
  }
  const prepare = async ({ token, requestId }: Caller, { name, category, price_usd, in_stock }: ItemCreate) => {
    // A price of -0 is stored as 0.
    const item = { id: nextId(), name, category, price_usd: price_usd + 0, in_stock, store_manager_id: token.sub }
    const write = (transaction?: Database) =>
      onViolation(
        insert({ item, token, requestId, changeSetId: nextId() }, transaction),
        'items_store_manager_id_foreign',
        managerGone,
      )
    return { answer: { ...item, version: '1' }, owner: token.sub, write }
  }
  return async (caller, item, key) => {
    const { token } = caller
    // An answer that is given again comes from no statement that checks the token.
    if (key !== undefined) await checkToken(token)
    return idempotency.run({ scope: `items of ${token.sub}`, key, body: item }, () => prepare(caller, item))
  }
}

interface Creation extends Caller {
  item: Item
  changeSetId: string
}

// Written out, because the builder would build the same statement again for each batch.
const insertItems = `
  with wanted as materialized (
    select * from unnest(${tokenArrays}, ${setArrays(5)}, $7::uuid[], $8::text[], $9::text[], $10::numeric[], $11::boolean[])
      as wanted (${tokenColumns}, ${setColumns}, id, name, category, price_usd, in_stock)
    where ${tokenIsValid}),
  inserted as (
    insert into items (id, name, category, price_usd, in_stock, store_manager_id)
    select id, name, category, price_usd, in_stock, manager_id from wanted
    returning id, version),
  created as (select wanted.*, manager_id as store_manager_id, version from inserted join wanted using (id)),
  ${recordCreations}
  select id from inserted`

/** @returns those whose token has not ended */
async function insertAll(db: Database, creations: Creation[]): Promise<Set<Creation>> {
  const column = (name: keyof Item) => creations.map(({ item }) => item[name])
  const items = [column('id'), column('name'), column('category'), column('price_usd'), column('in_stock')]
  const sets = [creations.map(({ changeSetId }) => changeSetId), creations.map(({ requestId }) => requestId)]
  const values = [...tokenValues(creations.map(({ token }) => token)), ...sets, ...items]
  const { rows } = await db.executeQuery<{ id: string }>(CompiledQuery.raw(insertItems, values))
  if (rows.length === creations.length) return new Set(creations)
  const written = new Set(rows.map(({ id }) => id))
  return new Set(creations.filter(({ item }) => written.has(item.id)))
}

/** The query of items, in the order of the columns on the wire; with `expand`, each with its owner's name. */
export function selectItems(db: Database, expand: boolean) {
  return db
    .selectFrom('items')
    .select(columns)
    .$if(expand, (query) =>
      query
        .innerJoin('store_managers', 'store_managers.id', 'items.store_manager_id')
        .select('store_managers.name as owner_name'),
    )
}

/** The owner's name of a row of `select`, where it is on the wire. */
export function withOwner<Row extends Item>({ owner_name: name = '', ...item }: Row & { owner_name?: string }) {
  return { ...item, store_manager: { id: item.store_manager_id, name } }
}

/** 404, for who asks for an item that is not there. */
export function itemNotFound(): Problem {
  return new Problem('item_not_found', 'No item has this ID.')
}
