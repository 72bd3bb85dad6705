import type { Logger } from 'pino'

import { openLoginThrottle, type LoginThrottle } from './auth/login-throttle.ts'
import { openPasswords, type Passwords } from './auth/passwords.ts'
import { type RateLimit, openRateLimit } from './auth/rate-limits.ts'
import { openRevocations, type Revocations } from './auth/revocations.ts'
import { type TokenCheck, openTokenCheck } from './auth/token-check.ts'
import { openTokens, type Tokens } from './auth/tokens.ts'
import { purgeRegularly } from './changes/purge.ts'
import type { Config } from './config/config.ts'
import { type Database, openDatabase } from './database/database.ts'
import { ConnectionPool } from './database/pool.ts'
import type { Server } from './database/server.ts'
import { type Connections, openConnections } from './http/connections.ts'
import { type Idempotency, openIdempotency } from './idempotency.ts'
import { openReadiness, type Readiness } from './lifecycle/readiness.ts'
import { openRedis } from './redis.ts'

export interface Context extends TokenCheck {
  config: Config
  log: Logger
  pool: ConnectionPool
  db: Database
  passwords: Passwords
  tokens: Tokens
  revocations: Revocations
  loginThrottle: LoginThrottle
  /** Undefined if it is disabled. */
  registrationLimit: RateLimit | undefined
  connections: Connections
  readiness: Readiness
  idempotency: Idempotency
  close(): Promise<void>
}

export async function openContext(config: Config, server: Server, secret: string, log: Logger): Promise<Context> {
  const pool = new ConnectionPool(server, config.pool, log)
  const db = openDatabase(pool)
  const readiness = openReadiness(server, config.pool.schema, log)
  const idempotency = openIdempotency(db, secret, log)
  const endPurging = purgeRegularly(db, config.historyDays, log)
  const redis = config.redis && (await openRedis(config.redis, log))
  const revocations = openRevocations(db, redis, config.sessionIdleTimeout, log)
  const limit = (name: string, points: number) => openRateLimit(name, points, config.pool.schema, redis)
  return {
    config,
    log,
    pool,
    db,
    passwords: openPasswords(config.bcryptCost),
    tokens: openTokens({ secret, algorithm: config.tokens.algorithm }),
    revocations,
    ...openTokenCheck(revocations),
    loginThrottle: openLoginThrottle({
      perAddress: limit('login', config.limits.loginsPerAddress),
      perAccount: limit('account', config.limits.loginsPerAccount),
      inAll: limit('logins', 10 * config.limits.loginsPerAddress),
    }),
    registrationLimit: limit('registration', config.limits.registrationsPerAddress),
    connections: openConnections(config.connectionLimit),
    readiness,
    idempotency,
    async close() {
      revocations.close()
      idempotency.close()
      endPurging()
      await Promise.all([pool.end(), readiness.close(), redis?.close()])
    },
  }
}
