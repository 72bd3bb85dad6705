import { sql } from 'kysely'

import type { Semaphore } from '../../concurrency/semaphore.ts'
import type { Database } from '../../database/database.ts'
import type { ConnectionPool } from '../../database/pool.ts'
import type { Reader } from '../export/copy-stream.ts'
import { selectItems, toItem } from '../items.ts'
import { whereFilters } from '../query/filters.ts'
import { defaultLimit, type ListQuery } from '../query/schemas.ts'
import { afterCursor, decodeCursor, orderBy, parseSort, type Cursor, encodeCursor, keyText } from '../query/sort.ts'
import type { Item } from '../schemas.ts'
import type { PageReader } from './scan-budget.ts'

/** Milliseconds. Other statements have less. */
export const countTimeout = 60_000

export interface Page {
  items: Record<string, Item>
  next: string | undefined
  total: number | undefined
}

interface Source {
  db: Database
  pool: ConnectionPool
  readPage: PageReader
  counts: Semaphore
}

/** @throws Problem invalid_request */
export async function listPage(
  { db, pool, readPage, counts }: Source,
  given: ListQuery,
  { me, signal }: Reader,
): Promise<Page> {
  const isExact = given.count === 'estimated' && !pool.engine.estimates
  const query: ListQuery = isExact ? { ...given, count: 'exact' } : given
  const { sort = 'id', limit = defaultLimit } = query
  const count = () => countItems(db, pool, query, me)
  const [rows, counted] = await Promise.all([
    readPage(pageQuery(db, query, me), query, me, signal),
    query.count === 'exact' ? counts.run(count, me, signal) : query.count && count(),
  ])
  const found = rows.slice(0, limit)
  const last = rows.length > limit ? found.at(-1) : undefined
  return {
    items: Object.fromEntries(found.map((item) => [item.id, toItem(item, query.expand)])),
    next: last && encodeCursor(sort, last),
    total: query.count === 'estimated' ? atLeast(Number(counted), rows.length, query) : counted,
  }
}

/** PostgreSQL never estimates 0, and if the first page is the last one, it has all items. */
function atLeast(estimate: number, found: number, { limit = defaultLimit, after }: ListQuery): number {
  return after === undefined && found <= limit ? found : Math.max(estimate, found)
}

/** Selects one item more than the page has, which shows that there is a next page. */
export function pageQuery(db: Database, query: ListQuery, me: string) {
  const { sort = 'id', limit = defaultLimit, after, expand = [] } = query
  const order = parseSort(sort)
  const position = after === undefined ? undefined : decodeCursor(sort, after)
  const isMatch = whereFilters(query, me)
  return selectItems(db, expand)
    .select(keyText(order).as('key'))
    .where(position ? whereFilters(dropCoveredPriceBound(query, position), me) : isMatch)
    .$if(position !== undefined, (rest) => rest.where(afterCursor(order, position as Cursor)))
    .orderBy(orderBy(order))
    .limit(limit + 1)
    .compile()
}

// With this price and a cursor beyond it, PostgreSQL would read from the price to the cursor: the whole table for the last page.
function dropCoveredPriceBound(query: ListQuery, { key }: Cursor): ListQuery {
  const isUpwards = query.sort === 'price_usd'
  if (!isUpwards && query.sort !== '-price_usd') return query
  const { [isUpwards ? 'min_price' : 'max_price']: start = Number.NaN, ...others } = query
  return (isUpwards ? Number(key) >= start : Number(key) <= start) ? others : query
}

export function countQuery(db: Database, query: ListQuery, me: string) {
  const isExact = query.count === 'exact'
  const columns = isExact ? sql<string>`count(*)` : sql<string>`1`
  return db.selectFrom('items').select(columns.as('count')).where(whereFilters(query, me)).compile()
}

async function countItems(db: Database, pool: ConnectionPool, query: ListQuery, me: string): Promise<number> {
  const { sql: text, parameters } = countQuery(db, query, me)
  if (query.count === 'exact') return Number((await pool.queryOnce(text, parameters, countTimeout)).rows[0].count)
  const { rows } = await pool.queryOnce(`explain (format json) ${text}`, parameters)
  return rows[0]['QUERY PLAN'][0].Plan['Plan Rows']
}
