import type { Logger } from 'pino'

import { openLoginThrottle, type LoginThrottle } from './auth/login-throttle.ts'
import { openPasswords, type Passwords } from './auth/passwords.ts'
import { type RateLimit, openRateLimit } from './auth/rate-limits.ts'
import { openRevocations, type Revocations } from './auth/revocations.ts'
import { type TokenCheck, openTokenCheck } from './auth/token-check.ts'
import { openTokens, type Tokens } from './auth/tokens.ts'
import { purgeRegularly } from './changes/purge.ts'
import { throttle } from './concurrency/throttle.ts'
import type { Config } from './config/config.ts'
import { type Console, openConsole } from './console/console.ts'
import { type Database, openDatabase } from './database/database.ts'
import { ConnectionPool } from './database/pool.ts'
import type { Server } from './database/server.ts'
import { type Connections, openConnections } from './http/connections.ts'
import { type Idempotency, openIdempotency } from './idempotency.ts'
import { measureState } from './lifecycle/metrics.ts'
import { openReadiness, type Readiness } from './lifecycle/readiness.ts'
import { type Metrics, openMetrics } from './observability/metrics/metrics.ts'
import type { Tracer } from './observability/tracing/tracer.ts'
import { openRedis } from './redis/redis.ts'

export interface Context extends TokenCheck {
  config: Config
  log: Logger
  metrics: Metrics
  /** Undefined without a receiver of traces. */
  tracer: Tracer | undefined
  pool: ConnectionPool
  db: Database
  passwords: Passwords
  tokens: Tokens
  revocations: Revocations
  loginThrottle: LoginThrottle
  registrationLimit: RateLimit | undefined
  connections: Connections
  readiness: Readiness
  console: Console
  idempotency: Idempotency
  close(): Promise<void>
}

export async function openContext(config: Config, server: Server, secret: string, log: Logger): Promise<Context> {
  const metrics = openMetrics()
  const tracer = await openTracer(config.tracing, metrics, log)
  const observability = { metrics, tracer }
  const pool = new ConnectionPool(server, config.pool, log, observability)
  const db = openDatabase(pool)
  const readiness = openReadiness(server, config.pool, log)
  const { previousSecret } = config.tokens
  const secrets = previousSecret === undefined ? [secret] : [secret, previousSecret]
  const idempotency = openIdempotency(db, secrets, log, metrics)
  const endPurging = purgeRegularly(db, config.historyDays, log)
  const webConsole = openConsole(log)
  const redis = config.redis && (await openRedis(config.redis, log, metrics))
  const revocations = openRevocations({ db, redis, metrics }, config.sessionIdleTimeout, log)
  const limit = (name: string, points: number) => openRateLimit(name, points, config.pool.schema, redis)
  const connections = openConnections(config.connectionLimit)
  measureState(metrics, { connections, readiness })
  return {
    config,
    log,
    ...observability,
    pool,
    db,
    passwords: openPasswords(config.bcryptCost, observability),
    tokens: openTokens({ ...config.tokens, secret }),
    revocations,
    ...openTokenCheck(revocations, observability),
    loginThrottle: openLoginThrottle(
      {
        perAddress: limit('login', config.limits.loginsPerAddress),
        perAccount: limit('account', config.limits.loginsPerAccount),
        inAll: limit('logins', 10 * config.limits.loginsPerAddress),
      },
      metrics,
    ),
    registrationLimit: limit('registration', config.limits.registrationsPerAddress),
    connections,
    readiness,
    console: webConsole,
    idempotency,
    async close() {
      revocations.close()
      idempotency.close()
      endPurging()
      webConsole.close()
      await Promise.all([pool.end(), readiness.close(), redis?.close(), tracer?.close()])
    },
  }
}

const warningIntervalMs = 10_000

/** Loads the code only if it is needed. */
async function openTracer(options: Config['tracing'], metrics: Metrics, log: Logger): Promise<Tracer | undefined> {
  if (options === undefined) return undefined
  const { Tracer } = await import('./observability/tracing/tracer.ts')
  const warn = throttle(warningIntervalMs, (exports, err) => log.warn({ err, exports }, 'failed to export traces'))
  return new Tracer(options, metrics, warn)
}
