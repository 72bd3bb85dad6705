import { hasCitus } from './citus.ts'

/** A query for the sessions that wait for a lock of `pid`. On Citus, they and the lock may be of any node. */
export function waitersOf(pid: string): string {
  const here = `select pid, query from pg_stat_activity where ${pid} = any(pg_blocking_pids(pid))`
  // Citus numbers a session by its node and its process.
  const elsewhere = `
    select waiting_gpid % 10000000000, blocked_statement from citus_lock_waits where blocking_gpid % 10000000000 = ${pid}`
  return hasCitus ? `${here} union ${elsewhere}` : here
}
