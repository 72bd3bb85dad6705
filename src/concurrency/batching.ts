import { Problem } from '../problems.ts'

export interface BatchObserver<Caller = unknown> {
  /** The caller of what joins a batch, if it is to be among its `callers`. */
  caller(): Caller | undefined
  run<Result>(batch: ObservedBatch<Caller>, work: () => Promise<Result>): Promise<Result>
}

export interface ObservedBatch<Caller> {
  size: number
  /** Milliseconds since the first one joined. */
  waitMs: number
  callers: Caller[]
}

// Batches reads by key: one query for those of one turn of the event loop, or of the time in which `maxConcurrency` queries are
// running. A read that begins after a write is never part of a query that was sent before it.
export function batchReads<Key, Value>(
  loadMany: (keys: Key[]) => Promise<Map<Key, Value>>,
  maxConcurrency: number,
  observer?: BatchObserver,
): (key: Key) => Promise<Value | undefined> {
  const loadBatched = batch((keys: Key[]) => loadMany([...new Set(keys)]), maxConcurrency, observer)
  return (key) => loadBatched(key).then((values) => values.get(key))
}

// Batches writes. `insertMany` returns the rows it wrote, or fails and writes none. Then they are written one by one, so that
// only the bad one fails; but not if the store is down, because they may have been written.
export function batchWrites<Row>(
  insertMany: (rows: Row[]) => Promise<Set<Row>>,
  maxConcurrency: number,
  observer?: BatchObserver,
): (row: Row) => Promise<boolean> {
  const attempt = async (rows: Row[]): Promise<{ written: Set<Row>; failed: Map<Row, unknown> }> => {
    try {
      return { written: await insertMany(rows), failed: new Map() }
    } catch (error) {
      const isFinal = rows.length === 1 || error instanceof Problem
      const result = { written: new Set<Row>(), failed: new Map(isFinal ? rows.map((row) => [row, error]) : []) }
      if (isFinal) return result
      for (const row of rows) {
        const { written, failed } = await attempt([row])
        if (written.has(row)) result.written.add(row)
        for (const failure of failed) result.failed.set(...failure)
      }
      return result
    }
  }
  const insertBatched = batch(attempt, maxConcurrency, observer)
  return async (row) => {
    const { written, failed } = await insertBatched(row)
    if (failed.has(row)) throw failed.get(row)
    return written.has(row)
  }
}

function batch<Argument, Result>(
  run: (queue: Argument[]) => Promise<Result>,
  maxConcurrency: number,
  observer?: BatchObserver,
): (argument: Argument) => Promise<Result> {
  let next: { queue: Argument[]; callers: unknown[]; result: Promise<Result> } | undefined
  let slots = maxConcurrency
  let proceed: (() => void) | undefined

  const begin = async (queue: Argument[], callers: unknown[]) => {
    const joinedAt = performance.now()
    // After the poll phase, which reads the requests of this turn; a microtask, DataLoader's default, would be too early.
    await new Promise<void>((resolve) => setImmediate(resolve))
    if (slots === 0) await new Promise<void>((resolve) => (proceed = resolve))
    slots--
    next = undefined
    const waitMs = performance.now() - joinedAt
    try {
      return await (observer?.run({ size: queue.length, waitMs, callers }, () => run(queue)) ?? run(queue))
    } finally {
      slots++
      proceed?.()
    }
  }

  return (argument) => {
    if (next === undefined) {
      const queue: Argument[] = []
      const callers: unknown[] = []
      next = { queue, callers, result: begin(queue, callers) }
    }
    next.queue.push(argument)
    const caller = observer?.caller()
    if (caller !== undefined) next.callers.push(caller)
    return next.result
  }
}
