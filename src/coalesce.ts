import { setImmediate } from 'node:timers/promises'

import { Problem } from './problems.ts'

/**
 * Makes one query of all reads by key that begin in one turn of the event loop, or while all `lanes` are taken.
 *
 * Nobody waits for somebody else's request while a lane is free; and a read that begins after a write was answered is
 * never part of a query that was sent before it.
 *
 * @param load takes distinct keys; a key that it does not return has no value
 * @param lanes how many queries may run at a time
 * @returns the read of one key, which fails as `load` does
 */
export function coalesce<Key, Value>(
  load: (keys: Key[]) => Promise<Map<Key, Value>>,
  lanes: number,
): (key: Key) => Promise<Value | undefined> {
  const loadWithOthers = together((keys: Key[]) => load([...new Set(keys)]), lanes)
  return (key) => loadWithOthers(key).then((values) => values.get(key))
}

/**
 * Makes one statement of all rows whose write begins in one turn of the event loop, or while all `lanes` are taken.
 *
 * @param writeAll writes its rows together or not at all. If it fails they are written one by one, so that a bad one fails
 *   alone; not if the store is away, when nobody knows whether they were written
 * @param lanes how many statements may run at a time
 * @returns the write of one row, done when that is durable
 */
export function coalesceWrites<Row>(
  writeAll: (rows: Row[]) => Promise<void>,
  lanes: number,
): (row: Row) => Promise<void> {
  const failures = async (rows: Row[]): Promise<Map<Row, unknown>> => {
    try {
      await writeAll(rows)
      return new Map()
    } catch (error) {
      if (rows.length === 1 || error instanceof Problem) return new Map(rows.map((row) => [row, error]))
      const failed = new Map<Row, unknown>()
      for (const row of rows) for (const failure of await failures([row])) failed.set(...failure)
      return failed
    }
  }
  const writeWithOthers = together(failures, lanes)
  return async (row) => {
    const failed = await writeWithOthers(row)
    if (failed.has(row)) throw failed.get(row)
  }
}

/** Collects arguments for one call of `run`: those of one turn of the event loop, and of as long as `lanes` calls run. */
function together<Argument, Result>(
  run: (all: Argument[]) => Promise<Result>,
  lanes: number,
): (argument: Argument) => Promise<Result> {
  let next: { all: Argument[]; result: Promise<Result> } | undefined
  let free = lanes
  let proceed: (() => void) | undefined

  const begin = async (all: Argument[]) => {
    // After the poll phase, in which the requests of this turn are read; the default of DataLoader, a microtask, is too early.
    await setImmediate()
    if (free === 0) await new Promise<void>((resolve) => (proceed = resolve))
    free--
    next = undefined
    try {
      return await run(all)
    } finally {
      free++
      proceed?.()
    }
  }

  return (argument) => {
    if (next === undefined) {
      const all: Argument[] = []
      next = { all, result: begin(all) }
    }
    next.all.push(argument)
    return next.result
  }
}
