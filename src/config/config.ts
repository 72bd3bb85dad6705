import { isIPv4 } from 'node:net'

import { StartupError } from '../startup-error.ts'
import { isServiceLink } from './setting-types.ts'
import { parseSettings, type Values } from './settings.ts'

export type Config = ReturnType<typeof readConfig>

export class ConfigError extends StartupError {
  override name = 'ConfigError'
}

/** In bytes: the length of the algorithm's output (RFC 7518 §3.2). */
const shortestKey = { HS256: 32, HS384: 48, HS512: 64 }

/** Empty values are treated as unset. Commands that sign no tokens need no secret. */
export function readConfig(env: Record<string, string | undefined>, signsTokens = true) {
  const { values, problems } = parseSettings(env)
  problems.push(...checkSecret(values, signsTokens), ...checkPool(values), ...checkDrain(values), ...checkServers(env))
  if (problems.length > 0) {
    throw new ConfigError(`Invalid settings:\n${problems.map((problem) => `  ${problem}`).join('\n')}`)
  }
  return {
    postgres: values.POSTGRES_HOST === undefined ? undefined : server(values.POSTGRES_HOST, values),
    pool: {
      schema: values.POSTGRES_SCHEMA,
      size: values.POSTGRES_POOL_SIZE,
      overflow: values.POSTGRES_MAX_OVERFLOW,
      echo: values.POSTGRES_ECHO,
    },
    redis:
      values.REDIS_HOST === undefined
        ? undefined
        : {
            host: values.REDIS_HOST,
            port: values.REDIS_PORT,
            database: values.REDIS_DB,
            password: values.REDIS_PASSWORD,
          },
    tokens: { secret: values.JWT_SECRET, algorithm: values.JWT_ALGORITHM, type: values.TOKEN_TYPE },
    sessionIdleTimeout: values.SESSION_IDLE_TIMEOUT,
    bcryptCost: values.BCRYPT_COST,
    limits: {
      loginsPerAddress: values.LOGIN_LIMIT_PER_ADDRESS,
      loginsPerAccount: values.LOGIN_LIMIT_PER_ACCOUNT,
      registrationsPerAddress: values.REGISTRATION_LIMIT_PER_ADDRESS,
    },
    registration: values.REGISTRATION,
    trustProxy: values.TRUST_PROXY,
    itemWrites: values.ITEM_WRITES,
    requireIfMatch: values.REQUIRE_IF_MATCH,
    importLimit: values.IMPORT_LIMIT * 2 ** 20,
    /** 0: kept for ever. */
    historyDays: values.HISTORY_DAYS,
    concurrencyLimit: values.LIMIT_CONCURRENCY,
    connectionLimit: values.LIMIT_CONNECTIONS,
    corsOrigins: values.CORS_ORIGINS ?? [],
    autoMigrate: values.AUTO_MIGRATE,
    startupTimeoutMs: values.STARTUP_TIMEOUT * 1000,
    shutdownTimeoutMs: values.SHUTDOWN_TIMEOUT * 1000,
    drainDelayMs: values.DRAIN_DELAY * 1000,
    allowedHosts: values.ALLOWED_HOSTS ?? defaultHosts(values.HOST),
    listen: { host: values.HOST, port: values.PORT },
    processes: values.WEB_CONCURRENCY,
    dataDir: values.DATA_DIR,
    logLevel: values.LOG_LEVEL,
  }
}

/** A service that is reachable only from this machine accepts only its own names. */
function defaultHosts(host: string): string[] {
  const name = (host.includes(':') && !host.startsWith('[') ? `[${host}]` : host).toLowerCase()
  const isLoopback = name === 'localhost' || name === '[::1]' || (isIPv4(name) && name.startsWith('127.'))
  return isLoopback ? ['localhost', '127.0.0.1', '[::1]', name] : ['*']
}

function checkSecret({ JWT_SECRET, JWT_ALGORITHM, POSTGRES_HOST }: Values, signsTokens: boolean): string[] {
  if (JWT_SECRET === undefined) {
    return POSTGRES_HOST === undefined || !signsTokens ? [] : ['JWT_SECRET is required when POSTGRES_HOST is set']
  }
  const shortest = shortestKey[JWT_ALGORITHM] ?? 0
  return Buffer.byteLength(JWT_SECRET) < shortest
    ? [`JWT_SECRET is too short: ${JWT_ALGORITHM} needs at least ${shortest} bytes`]
    : []
}

function checkPool({ POSTGRES_POOL_SIZE, POSTGRES_MAX_OVERFLOW }: Values): string[] {
  const isTooSmall = POSTGRES_POOL_SIZE + POSTGRES_MAX_OVERFLOW < 2
  return isTooSmall
    ? [
        'POSTGRES_POOL_SIZE plus POSTGRES_MAX_OVERFLOW must be at least 2: one connection is reserved for fast statements',
      ]
    : []
}

function checkDrain({ DRAIN_DELAY, SHUTDOWN_TIMEOUT }: Values): string[] {
  return DRAIN_DELAY > SHUTDOWN_TIMEOUT ? ['DRAIN_DELAY must not be longer than SHUTDOWN_TIMEOUT'] : []
}

/** Settings of a server without its host would be ignored, and another server used. */
function checkServers(env: Record<string, string | undefined>): string[] {
  const problems: string[] = []
  if (!env['POSTGRES_HOST']) {
    const names = ['POSTGRES_PORT', 'POSTGRES_USER', 'POSTGRES_PASSWORD', 'POSTGRES_DB']
    // Kubernetes sets the port itself, for a Service of that name.
    const given = names.filter((name) => env[name] && !isServiceLink(env[name]))
    if (given.length > 0) {
      problems.push(
        `POSTGRES_HOST is required with ${given.join(', ')}: set it, or unset those to use the embedded server`,
      )
    }
    if (env['DATABASE_URL']) {
      problems.push(
        'DATABASE_URL is not supported: set POSTGRES_HOST, POSTGRES_PORT, POSTGRES_USER, and so on, or unset it',
      )
    }
  }
  if (!env['REDIS_HOST'] && env['REDIS_URL']) {
    problems.push('REDIS_URL is not supported: set REDIS_HOST, REDIS_PORT, and so on, or unset it')
  }
  return problems
}

function server(host: string, values: Values) {
  return {
    host,
    port: values.POSTGRES_PORT,
    user: values.POSTGRES_USER,
    password: values.POSTGRES_PASSWORD,
    database: values.POSTGRES_DB,
  }
}
