// PostgreSQL ends a statement before the client gives up, so the connection stays usable, and no statement outlives its request.
export const usualLimitMs = 9_000
const lockLimitMs = 5_000
export const marginMs = 1_000

const idleLimitMs = 30_000

const checkIntervalMs = 500

/** Whether a prepared statement keeps one plan for all values, or PostgreSQL decides that. */
export type PlanCacheMode = 'force_generic_plan' | 'auto'

export type SessionSettings = Record<string, string | number>

export const sessionSettings = (schema: string, plans: PlanCacheMode): SessionSettings => ({
  search_path: schema,
  plan_cache_mode: plans,
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

export function limitTransaction(schema: string, limit: number, isSlow: boolean): string {
  return `${selectIsStandby}, set_config('search_path', '${schema}', true), set_config('statement_timeout', '${limit}', true),
    set_config('lock_timeout', '${lockLimitMs}', true)${isSlow ? slowSettings : ''}`
}

const slowSettings = `, set_config('max_parallel_workers_per_gather', '0', true), set_config('plan_cache_mode', 'auto', true)`
