import { setImmediate } from 'node:timers/promises'

import { Problem } from '../problems.ts'

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
export function batchReads<Key, Value>(
  load: (keys: Key[]) => Promise<Map<Key, Value>>,
  lanes: number,
): (key: Key) => Promise<Value | undefined> {
  const loadWithOthers = batch((keys: Key[]) => load([...new Set(keys)]), lanes)
  return (key) => loadWithOthers(key).then((values) => values.get(key))
}

/**
 * Makes one statement of all rows whose write begins in one turn of the event loop, or while all `lanes` are taken.
 *
 * @param writeAll writes all of its rows that may be written, or none, and returns them. If it fails they are written one by
 *   one, so that a bad one fails alone; not if the store is down, when nobody knows whether they were written
 * @param lanes how many statements may run at a time
 * @returns the write of one row, done when that is durable; it returns whether the row was written
 */
export function batchWrites<Row>(
  writeAll: (rows: Row[]) => Promise<Set<Row>>,
  lanes: number,
): (row: Row) => Promise<boolean> {
  const attempt = async (rows: Row[]): Promise<{ written: Set<Row>; failed: Map<Row, unknown> }> => {
    try {
      return { written: await writeAll(rows), failed: new Map() }
    } catch (error) {
      const isFinal = rows.length === 1 || error instanceof Problem
      const all = { written: new Set<Row>(), failed: new Map(isFinal ? rows.map((row) => [row, error]) : []) }
      if (isFinal) return all
      for (const row of rows) {
        const { written, failed } = await attempt([row])
        if (written.has(row)) all.written.add(row)
        for (const failure of failed) all.failed.set(...failure)
      }
      return all
    }
  }
  const writeWithOthers = batch(attempt, lanes)
  return async (row) => {
    const { written, failed } = await writeWithOthers(row)
    if (failed.has(row)) throw failed.get(row)
    return written.has(row)
  }
}

/** Collects arguments for one call of `run`: those of one turn of the event loop, and of as long as `lanes` calls run. */
function batch<Argument, Result>(
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
