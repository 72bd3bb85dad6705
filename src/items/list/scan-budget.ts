import type { CompiledQuery } from 'kysely'
import { LRUCache } from 'lru-cache'

import type { Semaphore } from '../../concurrency/semaphore.ts'
import type { ConnectionPool } from '../../database/pool.ts'
import type { ListQuery } from '../query/schemas.ts'

/** Milliseconds that PostgreSQL may take for a page, before it counts as slow work. */
const budget = 250

/** Kinds of pages that are known to be slow, and milliseconds for which they are. */
const known = { max: 1_000, ttl: 60_000 }

/** Runs the statement of a page of `query` for a manager. @throws Problem too_busy or store_unavailable */
export type PageReader = <Row>(
  statement: CompiledQuery<Row>,
  query: ListQuery,
  me: string,
  signal?: AbortSignal,
) => Promise<Row[]>

interface Places {
  pool: ConnectionPool
  pages: Semaphore
  /** For what takes the longer the more items there are. */
  counts: Semaphore
}

/**
 * Most pages are a range of an index and take a millisecond. A filter that the index of the order does not have may read the
 * whole table, and no set of indexes serves every pair of them. So a page has a budget: PostgreSQL stops it when that is
 * spent, and it runs again among the counts, as do all of its kind from the same manager for a while. Searches always do.
 */
export function openPages({ pool, pages, counts }: Places): PageReader {
  const slow = new LRUCache<string, true>(known)
  return async <Row>({ sql, parameters }: CompiledQuery<Row>, query: ListQuery, me: string, signal?: AbortSignal) => {
    const kind = kindOf(query, me)
    if (query.q === undefined && !slow.has(kind)) {
      const result = await pages.run(() => pool.queryWithin(budget, sql, parameters), me, signal)
      if (result) return result.rows
      slow.set(kind, true)
    }
    return (await counts.run(() => pool.queryOnce(sql, parameters), me, signal)).rows as Row[]
  }
}

/** What pages that take about as long have in common. */
function kindOf(
  { sort, limit: _limit, after: _after, expand: _expand, count: _count, ...filters }: ListQuery,
  me: string,
) {
  return [me, sort, ...Object.keys(filters).toSorted()].join(' ')
}
