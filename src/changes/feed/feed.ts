import { openSemaphore } from '../../concurrency/semaphore.ts'
import type { Database } from '../../database/database.ts'
import type { Engine } from '../../database/engine.ts'
import type { Metrics } from '../../observability/metrics/metrics.ts'
import { watchSemaphore } from '../../observability/metrics/watch.ts'
import type { Cursor } from './cursor.ts'
import { type Batch, currentCursor, firstCursor, type Placed, readFeed } from './read.ts'
import { openTail } from './tail.ts'

export interface Filters {
  manager: string | undefined
  kind: string | undefined
  item: string | undefined
}

export interface Reader {
  /** The ID of the manager. */
  me: string
  /** Aborted when the client disconnects, its token ends, or the process stops. */
  signal: AbortSignal
}

export interface Feed {
  current(): Promise<Cursor>
  first(): Promise<Cursor>
  /** Lets `wait` notice changes until it is disposed of. */
  watch(): Disposable
  /** What follows `cursor` and matches the filters, as far as is known. @throws Problem cursor_expired */
  read(cursor: Cursor, query: Filters & { limit: number }, reader: Reader): Promise<Batch>
  /** Waits for more, at most `timeout` milliseconds. */
  wait(signal: AbortSignal, timeout: number): Promise<void>
  /** The same as `read`, but waits up to `wait` seconds for the first event. */
  poll(cursor: Cursor, query: Filters & { limit: number; wait: number }, reader: Reader): Promise<Omit<Batch, 'isLast'>>
}

/** Pages that are read from PostgreSQL at a time. Times are in milliseconds. */
const pages = { permits: 4, maxQueue: 4_096, timeout: 10_000, share: 0.5 }

export function openFeed(db: Database, engine: Engine, metrics: Metrics): Feed {
  const tail = openTail(db)
  const semaphore = watchSemaphore(metrics, 'feed_pages', openSemaphore(pages))

  const readPage: Feed['read'] = async (cursor, { limit, ...filters }, { me, signal }) => {
    const batch = await semaphore.run(() => readFeed(db, cursor, limit), me, signal)
    return { ...batch, events: batch.events.filter((placed) => matches(placed, filters)) }
  }

  const feed: Feed = {
    current: () => currentCursor(db),
    first: () => firstCursor(db, engine),
    watch: () => tail.watch(),

    async read(cursor, query, reader) {
      const batch = tail.after(cursor, query.limit)
      if (batch === undefined) return readPage(cursor, query, reader)
      return { ...batch, events: batch.events.filter((placed) => matches(placed, query)) }
    },

    wait: (signal, timeout) => tail.wait(signal, timeout),

    async poll(cursor, query, reader) {
      // What is in memory may be older.
      if (query.wait === 0) return readPage(cursor, query, reader)
      const deadline = performance.now() + query.wait * 1000
      using _watch = feed.watch()
      let at = cursor
      for (;;) {
        const batch = await feed.read(at, query, reader)
        at = batch.cursor
        const left = deadline - performance.now()
        if (batch.events.length > 0 || left <= 0) return batch
        if (batch.isLast) await feed.wait(reader.signal, left)
        reader.signal.throwIfAborted()
      }
    },
  }
  return feed
}

function matches({ event: { item_id: id, change } }: Placed, { manager, kind, item }: Filters): boolean {
  return (
    (manager === undefined || change?.store_manager?.id === manager.toLowerCase()) &&
    (kind === undefined || change?.kind === kind) &&
    (item === undefined || id === item.toLowerCase())
  )
}
