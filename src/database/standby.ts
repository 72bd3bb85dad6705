import type { PoolClient } from 'pg'

/** Milliseconds. */
const timeout = 2_000

/**
 * Ends a new connection to a standby with an error. A standby takes no writes, and may not have heard of the last logouts, so
 * nothing is asked of one. A server cannot become one under a connection, for that needs a restart.
 */
export function refuseStandby(client: PoolClient, done: (error?: Error) => void): void {
  const question = { text: 'select pg_is_in_recovery() as "isStandby"', query_timeout: timeout }
  client.query<{ isStandby: boolean }>(question, (error, result) => {
    if (error) done(error)
    else done(result.rows[0]?.isStandby ? new Error('this PostgreSQL is a standby') : undefined)
  })
}
