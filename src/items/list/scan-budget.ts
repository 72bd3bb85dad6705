import type { CompiledQuery } from 'kysely'
import { LRUCache } from 'lru-cache'

import type { Semaphore } from '../../concurrency/semaphore.ts'
import type { ConnectionPool } from '../../database/pool.ts'
import type { ListQuery } from '../query/schemas.ts'

const budget = 250

const known = { max: 1_000, ttl: 60_000 }

/** @throws Problem too_busy or store_unavailable */
export type PageReader = <Row>(
  statement: CompiledQuery<Row>,
  query: ListQuery,
  me: string,
  signal?: AbortSignal,
) => Promise<Row[]>

interface Places {
  pool: ConnectionPool
  pages: Semaphore
  counts: Semaphore
}

// Most pages are a range of an index and take a millisecond. A filter that the index of the order lacks may read the whole
// table, and no set of indexes serves every pair of them. When its budget is spent, PostgreSQL cancels the page. It runs again
// among the counts, as do all of its kind from the same manager for a while. Searches always do.
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

function kindOf(
  { sort, limit: _limit, after: _after, expand: _expand, count: _count, ...filters }: ListQuery,
  me: string,
) {
  return [me, sort, ...Object.keys(filters).toSorted()].join(' ')
}
