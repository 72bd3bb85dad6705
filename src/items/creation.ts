import { CompiledQuery } from 'kysely'

import { queryOf, refusal, tokenArrays, tokenColumns, tokenValues, wantedWithManager } from '../auth/token-validity.ts'
import { loggedOut, managerGone } from '../auth/tokens.ts'
import { currentPosition, recordCreations, setArrays, setColumns, transactionPosition } from '../changes/record.ts'
import { batchWrites } from '../concurrency/batching.ts'
import type { Context } from '../context.ts'
import { type Database, inTransaction, onViolation, runSql } from '../database/database.ts'
import type { IdempotentResult } from '../idempotency.ts'
import { observeBatches } from '../observability/metrics/watch.ts'
import type { StoredItem } from './etags.ts'
import { risingIds } from './ids.ts'
import { type Caller, maxConcurrentBatches } from './items.ts'
import type { Item, ItemCreate } from './schemas.ts'

/** @throws Problem invalid_token if the token has ended by now */
export type ItemCreator = (caller: Caller, item: ItemCreate, key?: string) => Promise<IdempotentResult<StoredItem>>

/** Writes the items of one turn of the event loop in one statement, but an item with a key in the transaction of its key. */
export function itemCreator({
  db,
  pool,
  idempotency,
  metrics,
  tracer,
  checkToken,
}: Pick<Context, 'db' | 'pool' | 'idempotency' | 'metrics' | 'tracer' | 'checkToken'>): ItemCreator {
  const nextId = risingIds()
  const insertAll = pool.engine.writesTogether ? insertTogether : insertApart
  const writeInBatch = batchWrites(
    (creations: Creation[]) => insertAll(db, creations),
    maxConcurrentBatches,
    observeBatches({ metrics, tracer }, 'inserts'),
  )
  const insert = async (creation: Creation, transaction?: Database) => {
    const isWritten = transaction
      ? (await insertAll(transaction, [creation])).has(creation)
      : await writeInBatch(creation)
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
    return { response: { ...item, version: '1' }, owner: token.sub, write }
  }
  return async (caller, item, key) => {
    const { token } = caller
    // A replayed response comes from no statement that checks the token.
    if (key !== undefined) await checkToken(token)
    return idempotency.run({ scope: `items of ${token.sub}`, key, body: item }, () => prepare(caller, item))
  }
}

interface Creation extends Caller {
  item: Item
  changeSetId: string
}

// Written out, because the builder would build the same statement again for each batch.
const creationArrays = `${tokenArrays}, ${setArrays(5)}, $7::uuid[], $8::text[], $9::text[], $10::numeric[], $11::boolean[]`
const creationColumns = `${tokenColumns}, ${setColumns}, id, name, category, price_usd, in_stock`
const insertItems = (insert: string) => `
  with wanted as materialized (${wantedWithManager(creationArrays, creationColumns)}),
  ${currentPosition},
  ${insert}
  ${recordCreations}
  select id from wanted`
const insertAndRecord = insertItems(`
  inserted as (
    insert into items (id, name, category, price_usd, in_stock, store_manager_id, position)
    select id, name, category, price_usd, in_stock, manager_id, position from wanted, current),`)
const recordOnly = insertItems('')

function insertTogether(db: Database, creations: Creation[]): Promise<Set<Creation>> {
  return runCreations(db, insertAndRecord, creations)
}

/** Records the items first, which checks the tokens, and inserts them in another statement of the transaction. */
function insertApart(db: Database, creations: Creation[]): Promise<Set<Creation>> {
  const insert = async (transaction: Database) => {
    const written = await runCreations(transaction, recordOnly, creations)
    const [current] = await runSql<{ position: string }>(transaction, transactionPosition, [])
    const rows = [...written].map(({ item }) => insertedColumns.map((column) => item[column]))
    for (const some of chunksOf(rows)) {
      await runSql(transaction, insertRows(some.length), [current?.position, ...some.flat()])
    }
    return written
  }
  return db.isTransaction ? insert(db) : inTransaction(db, insert)
}

const insertedColumns = ['id', 'name', 'category', 'price_usd', 'in_stock', 'store_manager_id'] as const

/** Of few lengths, so that few statements are prepared. */
function chunksOf<T>(all: T[]): T[][] {
  const chunks: T[][] = []
  for (let from = 0; from < all.length; from += chunks.at(-1)?.length ?? 0) {
    const size = [64, 16, 4].find((length) => all.length - from >= length) ?? 1
    chunks.push(all.slice(from, from + size))
  }
  return chunks
}

function insertRows(count: number): string {
  const rows = Array.from({ length: count }, (_, row) => {
    const first = 2 + row * insertedColumns.length
    return `($1, ${insertedColumns.map((_column, index) => `$${first + index}`).join(', ')})`
  })
  return `insert into items (position, ${insertedColumns.join(', ')}) values ${rows.join(', ')}`
}

/** @returns those whose token has not ended */
async function runCreations(db: Database, statement: string, creations: Creation[]): Promise<Set<Creation>> {
  const column = (name: keyof Item) => creations.map(({ item }) => item[name])
  const items = [column('id'), column('name'), column('category'), column('price_usd'), column('in_stock')]
  const sets = [creations.map(({ changeSetId }) => changeSetId), creations.map(({ requestId }) => requestId)]
  const values = [...tokenValues(creations.map(({ token }) => token)), ...sets, ...items]
  const { rows } = await db.executeQuery<{ id: string }>(CompiledQuery.raw(statement, values))
  if (rows.length === creations.length) return new Set(creations)
  const written = new Set(rows.map(({ id }) => id))
  return new Set(creations.filter(({ item }) => written.has(item.id)))
}
