/**
 * Milliseconds after which PostgreSQL ends a statement, and one that waits for a lock. The client waits `margin` longer, so
 * it is the server that ends a statement: the connection stays usable, and no statement outlives its request.
 */
export const usualLimit = 9_000
const lockLimit = 5_000
export const margin = 1_000

/** Milliseconds that a transaction may be idle. Its statements follow each other at once. */
const idleLimit = 30_000

/** Milliseconds between two checks of PostgreSQL whether the client of a running statement is still connected. */
const checkInterval = 500

/** What the session of a direct connection is set to, whatever the defaults of the role or the database. */
export const sessionSettings = {
  default_transaction_isolation: 'read committed',
  statement_timeout: usualLimit,
  lock_timeout: lockLimit,
  idle_in_transaction_session_timeout: idleLimit,
  transaction_timeout: 0,
  client_connection_check_interval: checkInterval,
}

/** Begins a transaction with isolation and limits of its own, whatever the session has. @param limit ms of each statement */
export function begin(limit: number): string {
  return `begin isolation level read committed;
    set local statement_timeout = ${limit};
    set local lock_timeout = ${lockLimit};
    set local idle_in_transaction_session_timeout = ${idleLimit}`
}

/** Limits the transaction that it is part of. @param limit ms of each statement */
export function limitTransaction(limit: number): string {
  return `select set_config('statement_timeout', '${limit}', true), set_config('lock_timeout', '${lockLimit}', true)`
}
