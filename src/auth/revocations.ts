import { CompiledQuery, sql } from 'kysely'
import type { Logger } from 'pino'

import type { Database } from '../database/database.ts'
import type { Problem } from '../problems.ts'
import type { Client, Redis } from '../redis.ts'
import type { Token } from './claims.ts'
import { openIdleTokens } from './idle-tokens.ts'
import { asManager } from './token-validity.ts'
import { idleForTooLong, loggedOut, managerDisabled, managerGone } from './tokens.ts'

/**
 * Which tokens were revoked. PostgreSQL has the record of those that were logged out one by one, of which Redis, if there is
 * one, has a copy; and how often all of a manager's were ended at once.
 */
export interface Revocations {
  /** From now on every process refuses the token. @throws Problem invalid_token if it has ended already */
  revoke(token: Token): Promise<void>
  /** From now on every process refuses all tokens of its manager, that one included. @throws Problem invalid_token if it has ended already */
  revokeAll(token: Token): Promise<void>
  /**
   * Those of the tokens that have ended, and why: they were logged out, their manager is gone or disabled, or they were idle
   * for too long.
   */
  findRevoked(tokens: Token[]): Promise<Map<Token, () => Problem>>
  close(): void
}

/** Milliseconds between two sweeps, and for which a record outlives its token: clocks differ. */
const sweepEvery = 60 * 60 * 1000

/**
 * Only PostgreSQL knows whether a token's manager is still there. So every check asks it anyway, and asks for the record in
 * the same statement: no logout is forgotten, whatever Redis loses, evicts or has never heard of.
 *
 * Redis is asked too, for tokens that were logged out by a service that writes only there; if it is down, it is skipped.
 *
 * @param idleTimeout seconds for which a token may be idle; 0: no limit
 */
export function openRevocations(db: Database, redis: Redis | undefined, idleTimeout: number, log: Logger): Revocations {
  const idle = idleTimeout > 0 ? openIdleTokens(db, idleTimeout) : undefined
  const sweepRecords = () =>
    db
      .deleteFrom('revoked_tokens')
      .where('expires_at', '<', new Date(Date.now() - sweepEvery))
      .execute()
  const sweep = () =>
    Promise.all([sweepRecords(), idle?.sweep()]).catch((error: unknown) =>
      log.warn({ err: error }, 'failed to purge expired revocations'),
    )
  const sweeping = setInterval(() => void sweep(), sweepEvery).unref()

  return {
    async revoke(token) {
      await asManager(db, token, (transaction) => insert(transaction, token))
      await redis?.run((client) => copy(client, token)).catch(() => {})
    },

    async revokeAll(token) {
      await asManager(db, token, (transaction) =>
        transaction.updateTable('store_managers').set(nextGeneration(null)).where('id', '=', token.sub).execute(),
      )
    },

    async findRevoked(tokens) {
      const [{ revoked, managers }, copied] = await Promise.all([askRecord(db, tokens), askCopy(redis, tokens)])
      const refusals = new Map<Token, () => Problem>()
      for (const token of tokens) {
        const manager = managers.get(token.sub)
        const isOld = token.generation !== manager?.generation && token.jti !== manager?.kept
        const isOver = isOld || revoked.has(token.jti) || copied.has(token.jti)
        if (manager === undefined) refusals.set(token, managerGone)
        else if (manager.is_disabled) refusals.set(token, managerDisabled)
        else if (isOver) refusals.set(token, loggedOut)
      }
      if (idle === undefined) return refusals
      const tooIdle = await idle.check(tokens.filter((token) => !refusals.has(token)))
      for (const token of tooIdle) refusals.set(token, idleForTooLong)
      return refusals
    },

    close() {
      clearInterval(sweeping)
    },
  }
}

/** What ends all tokens of a manager when it is written to their row, but for the one with the jti `kept`, if one is given. */
export function nextGeneration(kept: string | null) {
  return { token_generation: sql<number>`token_generation + 1`, kept_token: kept, tokens_ended_at: sql<Date>`now()` }
}

function insert(db: Database, { jti, sub, exp }: Token) {
  return db
    .insertInto('revoked_tokens')
    .values({ jti, store_manager_id: sub, expires_at: new Date(exp * 1000), revoked_at: new Date() })
    .execute()
}

// Written out, because the builder would build the same statement again for each check.
const record = `
  select id, token_generation as generation, kept_token as kept, disabled_at is not null as is_disabled
  from store_managers where id = any($1)
  union all
  select jti, null, null, null from revoked_tokens where jti = any($2)`

interface Row {
  id: string
  /** These are null in the rows of revoked tokens. */
  generation: number | null
  kept: string | null
  is_disabled: boolean | null
}

async function askRecord(db: Database, tokens: Token[]): Promise<{ revoked: Set<string>; managers: Map<string, Row> }> {
  const parameters = [[...new Set(tokens.map(({ sub }) => sub))], tokens.map(({ jti }) => jti)]
  const { rows } = await db.executeQuery<Row>(CompiledQuery.raw(record, parameters))
  const revoked = new Set<string>()
  const managers = new Map<string, Row>()
  for (const row of rows) {
    if (row.generation === null) revoked.add(row.id)
    else managers.set(row.id, row)
  }
  return { revoked, managers }
}

/** As a service without a record writes it. */
async function copy(client: Client, { jti, exp }: Token): Promise<void> {
  const now = new Date().toISOString()
  const value = JSON.stringify({ jti, status: 'blacklisted', created_at: now, updated_at: now })
  await client.set(jti, value, { expiration: { type: 'EXAT', value: exp } })
}

async function askCopy(redis: Redis | undefined, tokens: Token[]): Promise<Set<string>> {
  const jtis = tokens.map(({ jti }) => jti)
  const values = await redis?.run((client) => client.mGet(jtis)).catch(() => undefined)
  return new Set(jtis.filter((_, index) => values?.[index]))
}
