import { coalesce } from '../coalesce.ts'
import { type Database, isKey, readByKeys } from '../database/database.ts'
import type { Redis } from '../redis.ts'
import type { Token } from './tokens.ts'

/** Tokens that were logged out before they ended. */
export interface Revocations {
  /** From now on every process refuses the token. */
  revoke(token: Token): Promise<void>
  isRevoked(jti: string): Promise<boolean>
}

/** Revocations kept in Redis under each token's `jti`, for as long as the token would last. */
export function redisRevocations(redis: Redis): Revocations {
  const read = coalesce(async (jtis: string[]) => {
    const records = await redis.run((client) => client.mGet(jtis))
    return new Map(jtis.map((jti, index) => [jti, records[index] !== null]))
  })

  return {
    async revoke({ jti, exp }) {
      const now = new Date().toISOString()
      const record = { jti, status: 'blacklisted', created_at: now, updated_at: now }
      await redis.run((client) => client.set(jti, JSON.stringify(record), { expiration: { type: 'EXAT', value: exp } }))
    },
    async isRevoked(jti) {
      return (await read(jti)) === true
    },
  }
}

/** Revocations kept in PostgreSQL alone, for a service without Redis. */
export function databaseRevocations(db: Database): Revocations {
  const query = db.selectFrom('revoked_tokens').select('jti').where(isKey('jti'))
  const readAll = readByKeys(db, query.compile())
  const read = coalesce(async (jtis: string[]) => new Map((await readAll(jtis)).map(({ jti }) => [jti, true])))

  return {
    async revoke({ jti, sub, exp }) {
      const record = { jti, store_manager_id: sub, expires_at: new Date(exp * 1000), revoked_at: new Date() }
      await db
        .insertInto('revoked_tokens')
        .values(record)
        .onConflict((conflict) => conflict.column('jti').doNothing())
        .execute()
    },
    async isRevoked(jti) {
      return (await read(jti.toLowerCase())) === true
    },
  }
}
