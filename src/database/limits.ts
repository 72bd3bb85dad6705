// PostgreSQL ends a statement after `usualLimitMs`, and the client waits `marginMs` longer. So the connection stays usable, and no
// statement outlives its request.
export const usualLimitMs = 9_000
const lockLimitMs = 5_000
export const marginMs = 1_000

const idleLimitMs = 30_000

const checkIntervalMs = 500

export const sessionSettings = (schema: string) => ({
  search_path: schema,
  default_transaction_isolation: 'read committed',
  statement_timeout: usualLimitMs,
  lock_timeout: lockLimitMs,
  idle_in_transaction_session_timeout: idleLimitMs,
  transaction_timeout: 0,
  client_connection_check_interval: checkIntervalMs,
})

/** Behind a pooler, each transaction may be on another server than the one before. */
export const selectIsStandby = 'select pg_is_in_recovery() as "isStandby"'

export function begin(schema: string, limit: number): string {
  return `begin isolation level read committed;
    set local search_path = '${schema}';
    set local statement_timeout = ${limit};
    set local lock_timeout = ${lockLimitMs};
    set local idle_in_transaction_session_timeout = ${idleLimitMs};
    ${selectIsStandby}`
}

export function limitTransaction(schema: string, limit: number, isSerial: boolean): string {
  return `${selectIsStandby}, set_config('search_path', '${schema}', true), set_config('statement_timeout', '${limit}', true),
    set_config('lock_timeout', '${lockLimitMs}', true)${isSerial ? noWorkers : ''}`
}

const noWorkers = `, set_config('max_parallel_workers_per_gather', '0', true)`
