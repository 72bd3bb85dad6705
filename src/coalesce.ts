import { Problem } from './problems.ts'

/**
 * Makes one query of all reads by key that begin in one turn of the event loop.
 *
 * The turn ends when the input that had arrived is handled, so nobody waits for somebody else's request; and a read that
 * begins after a write was answered is never part of a query that was sent before it.
 *
 * @param load takes distinct keys; a key that it does not return has no value
 * @returns the read of one key, which fails as `load` does
 */
export function coalesce<Key, Value>(
  load: (keys: Key[]) => Promise<Map<Key, Value>>,
): (key: Key) => Promise<Value | undefined> {
  let waiting = new Map<Key, PromiseWithResolvers<Value | undefined>>()

  const dispatch = async () => {
    const batch = waiting
    waiting = new Map()
    try {
      const values = await load([...batch.keys()])
      for (const [key, { resolve }] of batch) resolve(values.get(key))
    } catch (error) {
      for (const { reject } of batch.values()) reject(error)
    }
  }

  return (key) => {
    let read = waiting.get(key)
    if (read === undefined) {
      // After the poll phase, in which the requests of this turn are read; the default of DataLoader, a microtask, is too early.
      if (waiting.size === 0) setImmediate(() => void dispatch())
      read = Promise.withResolvers()
      waiting.set(key, read)
    }
    return read.promise
  }
}

/**
 * Makes one statement of all rows whose write begins in one turn of the event loop, or while no connection is free for them.
 *
 * @param writeAll writes its rows together or not at all. If it fails they are written one by one, so that a bad one fails
 *   alone; not if the store is away, when nobody knows whether they were written
 * @param connections how many statements may run at a time
 * @returns the write of one row, done when that is durable
 */
export function coalesceWrites<Row>(
  writeAll: (rows: Row[]) => Promise<void>,
  connections: number,
): (row: Row) => Promise<void> {
  type Write = PromiseWithResolvers<void> & { row: Row }
  let waiting: Write[] = []
  let running = 0
  let scheduled = false

  const settle = async (writes: Write[]): Promise<void> => {
    try {
      await writeAll(writes.map(({ row }) => row))
      for (const { resolve } of writes) resolve()
    } catch (error) {
      if (writes.length === 1 || error instanceof Problem) for (const { reject } of writes) reject(error)
      else for (const write of writes) await settle([write])
    }
  }

  const dispatch = async () => {
    scheduled = false
    if (running === connections) return
    running++
    while (waiting.length > 0) {
      const writes = waiting
      waiting = []
      await settle(writes)
    }
    running--
  }

  return (row) => {
    const write = { row, ...Promise.withResolvers<void>() }
    waiting.push(write)
    if (!scheduled) setImmediate(() => void dispatch())
    scheduled = true
    return write.promise
  }
}
