import { CompiledQuery } from 'kysely'
import type { Logger } from 'pino'

import { type Database, onViolation } from '../database/database.ts'
import type { Problem } from '../problems.ts'
import type { Client, Redis } from '../redis.ts'
import { loggedOut, managerGone, type Token } from './tokens.ts'

/** Which tokens count no more. PostgreSQL has the record of those that were logged out; Redis, if there is one, a copy. */
export interface Revocations {
  /** From now on every process refuses the token. @throws Problem invalid_token if its manager is gone */
  revoke(token: Token): Promise<void>
  /** Those of the tokens that count no more, and why: they were logged out, or their manager is gone. */
  refusals(tokens: Token[]): Promise<Map<Token, () => Problem>>
  close(): void
}

/** Milliseconds between two sweeps, and for which a record outlives its token: clocks differ. */
const sweepEvery = 60 * 60 * 1000

/**
 * Only PostgreSQL knows whether a token's manager is still there. So every check asks it anyway, and asks for the record in
 * the same statement: no logout is forgotten, whatever Redis loses, evicts or has never heard of.
 *
 * Redis is asked too, for tokens that were logged out by a service that writes only there; if it is away, it is gone without.
 */
export function openRevocations(db: Database, redis: Redis | undefined, log: Logger): Revocations {
  const sweep = () =>
    db
      .deleteFrom('revoked_tokens')
      .where('expires_at', '<', new Date(Date.now() - sweepEvery))
      .execute()
      .catch((error: unknown) => log.warn({ err: error }, 'records of expired tokens were not swept'))
  const sweeping = setInterval(() => void sweep(), sweepEvery).unref()

  return {
    async revoke(token) {
      await onViolation(insert(db, token), 'revoked_tokens_store_manager_id_foreign', managerGone)
      await redis?.run((client) => copy(client, token)).catch(() => {})
    },

    async refusals(tokens) {
      const [{ revoked, managers }, copied] = await Promise.all([askRecord(db, tokens), askCopy(redis, tokens)])
      return new Map(
        tokens.flatMap((token) => {
          if (revoked.has(token.jti) || copied.has(token.jti)) return [[token, loggedOut]]
          return managers.has(token.sub) ? [] : [[token, managerGone]]
        }),
      )
    },

    close() {
      clearInterval(sweeping)
    },
  }
}

function insert(db: Database, { jti, sub, exp }: Token) {
  return db
    .insertInto('revoked_tokens')
    .values({ jti, store_manager_id: sub, expires_at: new Date(exp * 1000), revoked_at: new Date() })
    .onConflict((conflict) => conflict.column('jti').doNothing())
    .execute()
}

// Written out, because the builder would build the same statement again for each check.
const record = `
  select id, false as revoked from store_managers where id = any($1)
  union all
  select jti, true from revoked_tokens where jti = any($2)`

async function askRecord(db: Database, tokens: Token[]): Promise<{ managers: Set<string>; revoked: Set<string> }> {
  const parameters = [[...new Set(tokens.map(({ sub }) => sub))], tokens.map(({ jti }) => jti)]
  const { rows } = await db.executeQuery<{ id: string; revoked: boolean }>(CompiledQuery.raw(record, parameters))
  const ids = (revoked: boolean) => new Set(rows.filter((row) => row.revoked === revoked).map(({ id }) => id))
  return { managers: ids(false), revoked: ids(true) }
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
