import { type RawBuilder, sql } from 'kysely'

import { type CheckedReader, checkedReader } from '../auth/checked-reads.ts'
import type { Token } from '../auth/claims.ts'
import { batchReads } from '../concurrency/batching.ts'
import type { Context } from '../context.ts'
import { type Database, isKey, readByKeys } from '../database/database.ts'
import { observeBatches } from '../observability/metrics/watch.ts'
import { Problem } from '../problems.ts'
import type { StoredItem } from './etags.ts'
import { creationTime } from './ids.ts'
import type { Expansion, Item } from './schemas.ts'

const columns = [
  'items.id',
  'items.name',
  'items.category',
  'items.price_usd',
  'items.in_stock',
  'items.store_manager_id',
] as const

/** Over one connection commits would queue (3,000 a second); over four they do not (21,000). */
export const maxConcurrentBatches = 4

export type ItemReader = (id: string) => Promise<StoredItem | undefined>

export function itemReader({ db, metrics, tracer }: Pick<Context, 'db' | 'metrics' | 'tracer'>): ItemReader {
  const read = readByKeys(db, selectStored(db, []).compile())
  return batchReads(
    async (ids) => {
      const rows = await read(ids)
      return new Map(rows.map((row) => [row.id, row]))
    },
    maxConcurrentBatches,
    observeBatches({ metrics, tracer }, 'reads'),
  )
}

export function checkedItemReader(context: Context, expand: readonly Expansion[] = []): CheckedReader<StoredItem> {
  return checkedReader(context, selectStored(context.db, expand), maxConcurrentBatches)
}

function selectStored(db: Database, expand: readonly Expansion[]) {
  const query = selectItems(db, [...new Set<Expansion>([...expand, 'version'])])
  return query.where(isKey('items.id')).$castTo<StoredItem>()
}

export interface Caller {
  token: Token
  requestId: string
}

/** The columns are in the order of the wire, then those of `expand` in the order of `expansions`. */
export function selectItems(db: Database, expand: readonly Expansion[]) {
  return db
    .selectFrom('items')
    .select(columns)
    .$if(expand.includes('store_manager'), (query) =>
      query
        .innerJoin('store_managers', 'store_managers.id', 'items.store_manager_id')
        .select('store_managers.name as owner_name'),
    )
    .$if(expand.includes('dates'), (query) =>
      query.select([isoTime(sql`items.created_at`).as('created_at'), isoTime(sql`items.updated_at`).as('updated_at')]),
    )
    .$if(expand.includes('version'), (query) => query.select('items.version'))
}

/** As JavaScript writes it, whatever the time zone and the DateStyle of the session. */
function isoTime(time: RawBuilder<unknown>): RawBuilder<string> {
  return sql`to_char(${time} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
}

type ItemRow = Omit<Item, 'version'> & { version?: string; owner_name?: string }

export function toItem(row: ItemRow, expand: readonly Expansion[] = []): Item {
  const { id, name, category, price_usd, in_stock, store_manager_id } = row
  const item = { id, name, category, price_usd, in_stock, store_manager_id }
  if (expand.length === 0) return item
  const { owner_name: owner = '', version, updated_at = '' } = row
  return {
    ...item,
    ...(expand.includes('store_manager') && { store_manager: { id: store_manager_id, name: owner } }),
    ...(expand.includes('dates') && { created_at: row.created_at ?? creationTime(id), updated_at }),
    ...(expand.includes('version') && { version: Number(version) }),
  }
}

export function itemNotFound(): Problem {
  return new Problem('item_not_found', 'No item has this ID.')
}
