import { type Database, isKey, readByKeys } from '../database/database.ts'
import type { Redis } from '../redis.ts'
import type { Token } from './tokens.ts'

/** Tokens that were logged out before they ended. */
export interface Revocations {
  /** From now on every process refuses the token. */
  revoke(token: Token): Promise<void>
  /** Those of the tokens, by their `jti`, that are refused. */
  revoked(jtis: string[]): Promise<Set<string>>
}

/** Revocations kept in Redis under each token's `jti`, for as long as the token would last. */
export function redisRevocations(redis: Redis): Revocations {
  return {
    async revoke({ jti, exp }) {
      const now = new Date().toISOString()
      const record = { jti, status: 'blacklisted', created_at: now, updated_at: now }
      await redis.run((client) => client.set(jti, JSON.stringify(record), { expiration: { type: 'EXAT', value: exp } }))
    },
    async revoked(jtis) {
      const records = await redis.run((client) => client.mGet(jtis))
      return new Set(jtis.filter((_, index) => records[index] !== null))
    },
  }
}

/** Revocations kept in PostgreSQL alone, for a service without Redis. */
export function databaseRevocations(db: Database): Revocations {
  const query = db.selectFrom('revoked_tokens').select('jti').where(isKey('jti'))
  const read = readByKeys(db, query.compile())

  return {
    async revoke({ jti, sub, exp }) {
      const record = { jti, store_manager_id: sub, expires_at: new Date(exp * 1000), revoked_at: new Date() }
      await db
        .insertInto('revoked_tokens')
        .values(record)
        .onConflict((conflict) => conflict.column('jti').doNothing())
        .execute()
    },
    async revoked(jtis) {
      const found = new Set((await read(jtis)).map(({ jti }) => jti))
      return new Set(jtis.filter((jti) => found.has(jti.toLowerCase())))
    },
  }
}
