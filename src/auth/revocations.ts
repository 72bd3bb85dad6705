import { sql } from 'kysely'
import type { Logger } from 'pino'

import { type Database, runSql } from '../database/database.ts'
import { standbyError } from '../database/verify.ts'
import { type Problem, storeUnavailable } from '../problems.ts'
import type { Client, Redis } from '../redis.ts'
import type { Token } from './claims.ts'
import { openIdleTokens } from './idle-tokens.ts'
import { asManager } from './token-validity.ts'
import { idleForTooLong, loggedOut, managerDisabled, managerGone } from './tokens.ts'

// PostgreSQL records which tokens were revoked one by one, and how many times all tokens of a manager were revoked at once.
// Redis has a writeToRedis of the former.
export interface Revocations {
  revoke(token: Token): Promise<void>
  revokeAll(token: Token): Promise<void>
  findRevoked(tokens: Token[]): Promise<Map<Token, () => Problem>>
  close(): void
}

const purgeIntervalMs = 60 * 60 * 1000

// Only PostgreSQL knows whether a token's manager still exists. Every check asks it anyway, and asks for revocations in the
// same statement, so no logout is forgotten, whatever Redis loses. Redis is asked for tokens that only another service revoked.
export function openRevocations(db: Database, redis: Redis | undefined, idleSeconds: number, log: Logger): Revocations {
  const idle = idleSeconds > 0 ? openIdleTokens(db, idleSeconds) : undefined
  const purgeRecords = () =>
    db
      .deleteFrom('revoked_tokens')
      .where('expires_at', '<', new Date(Date.now() - purgeIntervalMs))
      .execute()
  const purge = () =>
    Promise.all([purgeRecords(), idle?.purge()]).catch((error: unknown) =>
      log.warn({ err: error }, 'failed to purge expired revocations'),
    )
  const purging = setInterval(() => void purge(), purgeIntervalMs).unref()

  return {
    async revoke(token) {
      await asManager(db, token, (transaction) => insert(transaction, token))
      await redis?.run((client) => writeToRedis(client, token)).catch(() => {})
    },

    async revokeAll(token) {
      await asManager(db, token, (transaction) =>
        transaction.updateTable('store_managers').set(bumpGeneration(null)).where('id', '=', token.sub).execute(),
      )
    },

    async findRevoked(tokens) {
      const [{ revoked, managers }, copied] = await Promise.all([
        queryRevocations(db, tokens),
        queryRedis(redis, tokens),
      ])
      const refusals = new Map<Token, () => Problem>()
      for (const token of tokens) {
        const manager = managers.get(token.sub)
        const isOldGeneration = token.generation !== manager?.generation && token.jti !== manager?.kept
        const isRevoked = isOldGeneration || revoked.has(token.jti) || copied.has(token.jti)
        if (manager === undefined) refusals.set(token, managerGone)
        else if (manager.is_disabled) refusals.set(token, managerDisabled)
        else if (isRevoked) refusals.set(token, loggedOut)
      }
      if (idle === undefined) return refusals
      const tooIdle = await idle.check(tokens.filter((token) => !refusals.has(token)))
      for (const token of tooIdle) refusals.set(token, idleForTooLong)
      return refusals
    },

    close() {
      clearInterval(purging)
    },
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

const record = `
  select id, token_generation as generation, kept_token as kept, disabled_at is not null as is_disabled
  from store_managers where id = any($1)
  union all
  select jti, null, null, null from revoked_tokens where jti = any($2)
  union all
  select null, null, null, null where pg_is_in_recovery()`

interface Row {
  /** Null if the server is a standby, to which a pooler may redirect a connection at any time. */
  id: string | null
  /** Null in the rows of revoked tokens. */
  generation: number | null
  kept: string | null
  is_disabled: boolean | null
}

async function queryRevocations(
  db: Database,
  tokens: Token[],
): Promise<{ revoked: Set<string>; managers: Map<string, Row> }> {
  const parameters = [[...new Set(tokens.map(({ sub }) => sub))], tokens.map(({ jti }) => jti)]
  const rows = await runSql<Row>(db, record, parameters)
  const revoked = new Set<string>()
  const managers = new Map<string, Row>()
  for (const row of rows) {
    if (row.id === null) throw storeUnavailable('PostgreSQL', standbyError())
    if (row.generation === null) revoked.add(row.id)
    else managers.set(row.id, row)
  }
  return { revoked, managers }
}

async function writeToRedis(client: Client, { jti, exp }: Token): Promise<void> {
  const now = new Date().toISOString()
  const value = JSON.stringify({ jti, status: 'blacklisted', created_at: now, updated_at: now })
  await client.set(jti, value, { expiration: { type: 'EXAT', value: exp } })
}

async function queryRedis(redis: Redis | undefined, tokens: Token[]): Promise<Set<string>> {
  const jtis = tokens.map(({ jti }) => jti)
  const values = await redis?.run((client) => client.mGet(jtis)).catch(() => undefined)
  return new Set(jtis.filter((_, index) => values?.[index]))
}
