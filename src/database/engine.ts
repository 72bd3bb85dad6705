import type { PlanCacheMode } from './limits.ts'

/** Runs a statement of a transaction. */
export type Run = (text: string, values?: readonly unknown[]) => Promise<{ rows: unknown[]; rowCount: number | null }>

/** Items, as a condition of SQL on `items`. */
export interface Selection {
  /** Undefined if there are none. */
  where: string | undefined
  values?: readonly unknown[] | undefined
  /** Whether they are only read. Otherwise, they are locked. */
  isRead?: boolean | undefined
}

/** How items are stored, and what follows for statements. */
export interface Engine {
  /** Whether one statement can lock, write, and record items, also several of them. */
  writesTogether: boolean
  /** Whether a statement that reads items and the record of tokens takes no longer than one for each. */
  readsTogether: boolean
  /** Of prepared statements, which read and write by keys. */
  plans: PlanCacheMode
  /** Whether the planner estimates the number of rows. */
  estimates: boolean
  /** Whether a lateral join can look up items in an index. */
  joinsLaterally: boolean
  /** Statements that let the rest of a transaction wait at most `ms` milliseconds for a lock. */
  limitLocks(ms: number): string[]
  /** Statements at the start of a transaction that writes items first and managers later. */
  beforeManagers: string[]
  /** Runs `work`, whose statements of this transaction write and record items of the selection, and new items, in `items`. */
  withItems<Result>(session: { query: Run }, selection: Selection, work: () => Promise<Result>): Promise<Result>
  /** Waits until every transaction that this server has committed is visible in `items`. */
  settle(run: Run): Promise<void>
}
