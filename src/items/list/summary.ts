import { type RawBuilder, sql } from 'kysely'

import { categories } from '../../database/constraints.ts'
import type { Database } from '../../database/database.ts'
import type { Engine } from '../../database/engine.ts'
import type { ConnectionPool } from '../../database/pool.ts'
import { whereFilters } from '../query/filters.ts'
import type { Filters, ItemSummary } from '../query/schemas.ts'
import { countTimeout } from './page.ts'

const priceBuckets = [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000]

/** @param me the ID of the caller @throws Problem invalid_request */
export async function summarize(
  db: Database,
  pool: ConnectionPool,
  filters: Filters,
  me: string,
): Promise<ItemSummary> {
  const { sql: text, parameters } = summaryQuery(db, pool.engine, filters, me)
  const rows: Row[] = (await pool.queryOnce(text, parameters, countTimeout)).rows
  const totals = (row: Row | undefined) => ({
    items: Number(row?.items ?? 0),
    in_stock: Number(row?.in_stock ?? 0),
    value_usd: rawNumber(row?.value_usd ?? '0'),
  })
  const ranges = priceBuckets.map((from, index) => {
    const row = rows.find(({ range }) => Number(range) === index + 1)
    return { from, to: priceBuckets[index + 1] ?? null, items: Number(row?.items ?? 0) }
  })
  return {
    ...totals(rows.find(({ category, range }) => category === null && range === null)),
    by_category: Object.fromEntries(
      categories.map((name) => [name, totals(rows.find(({ category }) => category === name))]),
    ),
    prices: ranges,
  }
}

interface Row {
  category: string | null
  range: string | null
  items: string
  in_stock: string | null
  value_usd: string | null
}

export function summaryQuery(db: Database, engine: Engine, filters: Filters, me: string) {
  const isIndexed = engine.joinsLaterally && filters.q === undefined && filters.store_manager_id === undefined
  return sql<Row>`
    select category, range, sum(items) as items, sum(items) filter (where in_stock) as in_stock,
      trim_scale(sum(value))::text as value_usd
    from (${isIndexed ? fromIndex(filters, me) : fromRows(filters, me)}) as parts
    group by grouping sets ((), (category), (range))`.compile(db)
}

/** In parts, as the index has them: three times as fast as looking up the range of each price. */
function fromIndex(filters: Filters, me: string): RawBuilder<unknown> {
  const { category = [...categories], in_stock: inStock, ...prices } = filters
  return sql`
    select category, in_stock, range, found.items, found.value
    from unnest(${[...new Set(category)]}::text[]) as category
    cross join unnest(${inStock === undefined ? [true, false] : [inStock]}::boolean[]) as in_stock
    cross join unnest(${priceBuckets}::numeric[], ${[...priceBuckets.slice(1), Infinity]}::numeric[])
      with ordinality as ranges (at_least, below, range)
    cross join lateral (
      select count(*) as items, sum(items.price_usd) as value from items
      where items.category = category.category and items.in_stock = in_stock.in_stock
        and items.price_usd >= at_least and items.price_usd < below and ${whereFilters(prices, me)}
    ) as found`
}

function fromRows(filters: Filters, me: string): RawBuilder<unknown> {
  return sql`
    select category, in_stock, width_bucket(items.price_usd, ${priceBuckets}::numeric[])::bigint as range,
      count(*) as items, sum(items.price_usd) as value
    from items where ${whereFilters(filters, me)} group by 1, 2, 3`
}

/** JSON.stringify writes it unchanged (TC39's JSON.rawJSON). Null if clients would read it as Infinity, or not at all. */
function rawNumber(decimal: string): number | null {
  if (!Number.isFinite(Number(decimal))) return null
  return (JSON as unknown as { rawJSON(text: string): number }).rawJSON(decimal)
}
