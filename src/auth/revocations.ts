import { sql } from 'kysely'
import type { Logger } from 'pino'

import { type Database, runSql } from '../database/database.ts'
import { deleteInBatches, purgeHourly, purgeIntervalMs } from '../database/purging.ts'
import { StandbyError } from '../database/verify.ts'
import type { Counter, Metrics } from '../observability/metrics/metrics.ts'
import { type Problem, storeUnavailable } from '../problems.ts'
import type { Client, Redis } from '../redis/redis.ts'
import type { Token } from './claims.ts'
import { openIdleTokens } from './idle-tokens.ts'
import { asManager } from './token-validity.ts'
import { idleForTooLong, loggedOut, managerDisabled, managerGone } from './tokens.ts'

// PostgreSQL records the tokens revoked one by one, which Redis has a copy of, and counts each manager's logouts of all tokens.
export interface Revocations {
  revoke(token: Token): Promise<void>
  revokeAll(token: Token): Promise<void>
  /**
   * @param read runs the statement of `recordOf`, perhaps as a part of another one
   * @param toAskRedis those of `tokens` that are also looked up in Redis
   */
  findRevoked(tokens: Token[], read?: ReadRecord, toAskRedis?: Token[]): Promise<Map<Token, () => Problem>>
  close(): void
}

// Only PostgreSQL knows whether a token's manager still exists. Every check asks it anyway, and asks for revocations in the
// same statement, so no logout is forgotten, whatever Redis loses. Redis is asked for tokens that only another service revoked.
export function openRevocations(
  { db, redis, metrics }: { db: Database; redis: Redis | undefined; metrics: Metrics },
  idleSeconds: number,
  log: Logger,
): Revocations {
  const checks = countChecks(metrics)
  const idle = idleSeconds > 0 ? openIdleTokens(db, idleSeconds) : undefined
  const purgeRecords = () =>
    deleteInBatches(db, {
      table: 'revoked_tokens',
      key: 'jti',
      where: sql`expires_at < ${new Date(Date.now() - purgeIntervalMs)}`,
    })
  const purge = () => Promise.all([purgeRecords(), idle?.purge()])
  const stopPurging = purgeHourly('expired revocations', purge, log)

  return {
    async revoke(token) {
      await asManager(db, token, (transaction) => insert(transaction, token))
      await redis?.run('copy', (client) => writeToRedis(client, token)).catch(() => {})
    },

    async revokeAll(token) {
      await asManager(db, token, (transaction) =>
        transaction.updateTable('store_managers').set(bumpGeneration(null)).where('id', '=', token.sub).execute(),
      )
    },

    async findRevoked(tokens, read = (keys) => runSql<RecordRow>(db, record, keys), toAskRedis = tokens) {
      const [{ revoked, managers }, copied] = await Promise.all([
        readRecord(read, tokens),
        queryRedis(redis, toAskRedis),
      ])
      const refusals = new Map<Token, () => Problem>()
      for (const token of tokens) {
        const manager = managers.get(token.sub)
        const isOldGeneration = token.generation !== manager?.generation && token.jti !== manager?.kept
        const refuse = (problem: () => Problem, counter: Counter) => {
          refusals.set(token, problem)
          counter.add()
        }
        if (manager === undefined) refuse(managerGone, checks.deleted)
        else if (manager.is_disabled) refuse(managerDisabled, checks.disabled)
        else if (isOldGeneration || revoked.has(token.jti)) refuse(loggedOut, checks.loggedOut)
        else if (copied.has(token.jti)) refuse(loggedOut, checks.loggedOutInCopy)
      }
      const tooIdle = await idle?.check(tokens.filter((token) => !refusals.has(token)))
      for (const token of tooIdle ?? []) refusals.set(token, idleForTooLong)
      checks.idle.add(tooIdle?.size ?? 0)
      checks.valid.add(tokens.length - refusals.size)
      return refusals
    },

    close: stopPurging,
  }
}

function countChecks(metrics: Metrics) {
  const count = (result: string, source = 'record') =>
    metrics.counter('stockroom_token_checks_total', 'Checks of tokens.', { result, source })
  return {
    valid: count('valid'),
    loggedOut: count('logged_out'),
    loggedOutInCopy: count('logged_out', 'copy'),
    deleted: count('manager_deleted'),
    disabled: count('manager_disabled'),
    idle: count('idle'),
  }
}

/** Revokes all tokens of a manager when it is written to their row, except `exemptJti`. */
export function bumpGeneration(exemptJti: string | null) {
  return {
    token_generation: sql<number>`token_generation + 1`,
    kept_token: exemptJti,
    tokens_ended_at: sql<Date>`now()`,
  }
}

function insert(db: Database, { jti, sub, exp }: Token) {
  return db
    .insertInto('revoked_tokens')
    .values({ jti, store_manager_id: sub, expires_at: new Date(exp * 1000), revoked_at: new Date() })
    .execute()
}

export const recordColumns = [
  ['subject', 'uuid'],
  ['generation', 'int'],
  ['kept', 'uuid'],
  ['is_disabled', 'bool'],
] as const

export interface RecordRow {
  /** A manager, or a token that was revoked. Null if the server is a standby, to which a pooler may redirect a connection. */
  subject: string | null
  /** Null in the rows of revoked tokens. */
  generation: number | null
  kept: string | null
  is_disabled: boolean | null
}

type ReadRecord = (keys: [managers: string[], tokens: string[]]) => Promise<RecordRow[]>

/** @param managers and `tokens` are the parameters with the IDs of both */
export const recordOf = (managers: string, tokens: string) => `
  select id as subject, token_generation as generation, kept_token as kept, disabled_at is not null as is_disabled
  from store_managers where id = any(${managers})
  union all
  select jti, null, null, null from revoked_tokens where jti = any(${tokens})
  union all
  select null, null, null, null where pg_is_in_recovery()`

const record = recordOf('$1', '$2')

async function readRecord(
  read: ReadRecord,
  tokens: Token[],
): Promise<{ revoked: Set<string>; managers: Map<string, RecordRow> }> {
  const rows = await read([[...new Set(tokens.map(({ sub }) => sub))], tokens.map(({ jti }) => jti)])
  const revoked = new Set<string>()
  const managers = new Map<string, RecordRow>()
  for (const row of rows) {
    if (row.subject === null) throw storeUnavailable('PostgreSQL', new StandbyError())
    if (row.generation === null) revoked.add(row.subject)
    else managers.set(row.subject, row)
  }
  return { revoked, managers }
}

async function writeToRedis(client: Client, { jti, exp }: Token): Promise<void> {
  const now = new Date().toISOString()
  const value = JSON.stringify({ jti, status: 'blacklisted', created_at: now, updated_at: now })
  await client.set(jti, value, { expiration: { type: 'EXAT', value: exp } })
}

async function queryRedis(redis: Redis | undefined, tokens: Token[]): Promise<Set<string>> {
  if (tokens.length === 0) return new Set()
  const jtis = tokens.map(({ jti }) => jti)
  const values = await redis?.run('copy', (client) => client.mGet(jtis)).catch(() => undefined)
  return new Set(jtis.filter((_, index) => values?.[index]))
}
