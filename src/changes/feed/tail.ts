import { setTimeout as sleep } from 'node:timers/promises'

import type { Database } from '../../database/database.ts'
import { Problem } from '../../problems.ts'
import { type Cursor, isAtOrBefore } from './cursor.ts'
import { type Batch, currentCursor, type Placed, readFeed } from './read.ts'

/** The last changes, in memory while there are followers, so that one statement serves all who wait. */
export interface Tail {
  /** What follows `cursor`; undefined if it is not in memory. */
  after(cursor: Cursor, limit: number): Batch | undefined
  /** Resolves when there are more changes, when `signal` is aborted, or after `timeout` milliseconds. Needs a watcher. */
  wait(signal: AbortSignal, timeout: number): Promise<void>
  /** Watches for changes until it is disposed of. */
  watch(): Disposable
}

/**
 * Milliseconds between two looks for changes. NOTIFY would tell of them, but it takes a lock at each commit that serializes all
 * writes, and poolers do not support it.
 */
const interval = 100
const maxEvents = 2_000
const pageSize = 500

interface Memory {
  /** The places before and after `events`. */
  start: Cursor
  end: Cursor
  events: Placed[]
}

export function openTail(db: Database): Tail {
  const watchers = new Set<symbol>()
  let isWatching = false
  let memory: Memory | undefined
  /** With the times at which they stop waiting. One timer for all, because each would take memory. */
  const waiting = new Map<() => void, number>()
  const endWaits = () => {
    const now = performance.now()
    for (const [done, deadline] of waiting) if (deadline <= now) done()
  }

  /** @returns whether followers should look */
  const look = async (): Promise<boolean> => {
    if (memory === undefined) {
      const end = await currentCursor(db)
      memory = { start: end, end, events: [] }
      return true
    }
    const { events, cursor } = await readFeed(db, memory.end, pageSize)
    memory = append(memory, events, cursor)
    return events.length > 0
  }

  const lookRegularly = async () => {
    const timer = setInterval(endWaits, interval)
    while (watchers.size > 0) {
      const hasMore = await look().catch((error: unknown) => {
        if (!(error instanceof Problem && error.code === 'cursor_expired')) return false
        // Followers learn it when they read themselves.
        memory = undefined
        return true
      })
      if (hasMore) for (const done of waiting.keys()) done()
      await sleep(interval)
    }
    clearInterval(timer)
    isWatching = false
    memory = undefined
  }

  return {
    after(cursor, limit) {
      if (memory === undefined || cursor.phase === 'items' || cursor.epoch !== memory.end.epoch) return undefined
      if (!isAtOrBefore(memory.start, cursor)) return undefined
      const { events } = memory
      const first = events.findLastIndex((placed) => isAtOrBefore(placed.cursor, cursor)) + 1
      const found = events.slice(first, first + limit)
      return { events: found, cursor: found.at(-1)?.cursor ?? cursor, isLast: first + limit >= events.length }
    },

    wait: (signal, timeout) =>
      new Promise((resolve) => {
        const done = () => {
          signal.removeEventListener('abort', done)
          waiting.delete(done)
          resolve()
        }
        waiting.set(done, performance.now() + timeout)
        signal.addEventListener('abort', done)
        if (signal.aborted) done()
      }),

    watch() {
      const watcher = Symbol('watcher')
      watchers.add(watcher)
      if (!isWatching) {
        isWatching = true
        void lookRegularly()
      }
      return {
        [Symbol.dispose]() {
          watchers.delete(watcher)
        },
      }
    },
  }
}

function append({ start, events }: Memory, more: Placed[], end: Cursor): Memory {
  const all = [...events, ...more]
  const surplus = all.length - maxEvents
  if (surplus <= 0) return { start, end, events: all }
  return { start: all[surplus - 1]?.cursor ?? start, end, events: all.slice(surplus) }
}
