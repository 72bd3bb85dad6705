import { DatabaseError } from 'pg'

/** Whether `error` says that no PostgreSQL serves us now, rather than that a statement is wrong. */
export function isUnavailable(error: unknown): boolean {
  if (!(error instanceof DatabaseError)) return !(error instanceof TypeError)
  return unavailable.test(error.code ?? '')
}

/**
 * SQLSTATEs: 08 connection, 25006 read-only (a standby), 53 resources, 57P0x shutdown and start, 58 system;
 * 0A000 and 26000 when a prepared statement no longer fits the schema or the session, which a new connection mends.
 */
const unavailable = /^(08|53|57P0|58)|^(25006|0A000|26000)$/
