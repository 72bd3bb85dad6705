import { isIPv4 } from 'node:net'

import { StartupError } from '../startup-error.ts'
import { parseDatabaseUrl, partOfDatabaseUrl } from './database-url.ts'
import { checkHost, readServer } from './postgres.ts'
import { parseRedisUrl, partOfRedisUrl } from './redis-url.ts'
import { checkRedis, readRedis } from './redis.ts'
import { readSecretFiles } from './secret-files.ts'
import { parseSettings, type Values } from './settings.ts'
import { type Environment, expandUrl } from './urls.ts'

export type Config = ReturnType<typeof readConfig>

export class ConfigError extends StartupError {
  override name = 'ConfigError'
}

/** In bytes: the length of the algorithm's output (RFC 7518 §3.2). */
const shortestKey = { HS256: 32, HS384: 48, HS512: 64 }

/** Commands of operators need neither tokens nor Redis. */
const operatorSecrets = ['DATABASE_URL', 'POSTGRES_PASSWORD']
const secrets = [
  ...operatorSecrets,
  'JWT_SECRET',
  'JWT_SECRET_PREVIOUS',
  'REDIS_URL',
  'REDIS_PASSWORD',
  'REDIS_SENTINEL_PASSWORD',
  'OTEL_EXPORTER_OTLP_HEADERS',
]

const databaseUrl = { parse: parseDatabaseUrl, partOf: partOfDatabaseUrl }
const redisUrl = { parse: parseRedisUrl, partOf: partOfRedisUrl }

/** Empty values are treated as unset. @param isService whether it is for the service, or for a command of an operator */
export function readConfig(given: Environment, isService = true) {
  const files = readSecretFiles(given, isService ? secrets : operatorSecrets)
  const database = expandUrl(files.env, 'DATABASE_URL', databaseUrl)
  const cache = expandUrl(database.env, 'REDIS_URL', redisUrl)
  const { env } = cache
  const { values, problems } = parseSettings(env, { ...database.labels, ...cache.labels })
  const { server, problems: serverProblems } = readServer(values)
  const { redis, problems: redisProblems } = isService ? readRedis(values) : noRedis
  problems.push(...files.problems, ...database.problems, ...serverProblems, ...checkHost(env), ...redisProblems)
  if (isService) problems.push(...cache.problems, ...checkRedis(env), ...checkSecret(values))
  problems.push(...checkPool(values), ...checkPrepared(values), ...checkDrain(values))
  if (problems.length > 0) {
    throw new ConfigError(`Invalid settings:\n${problems.map((problem) => `  ${problem}`).join('\n')}`)
  }
  return {
    postgres: server,
    pool: {
      schema: values.POSTGRES_SCHEMA,
      size: values.POSTGRES_POOL_SIZE,
      overflow: values.POSTGRES_MAX_OVERFLOW,
      echo: values.POSTGRES_ECHO,
      prepared: values.pgbouncer ? 'false' : values.POSTGRES_PREPARED,
    },
    redis,
    tokens: {
      secret: values.JWT_SECRET,
      previousSecret: values.JWT_SECRET_PREVIOUS,
      algorithm: values.JWT_ALGORITHM,
      type: values.TOKEN_TYPE,
    },
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
    rootPath: values.ROOT_PATH ?? '',
    listen: { host: values.HOST, port: values.PORT },
    metrics: readMetrics(values),
    tracing: readTracing(values),
    processes: values.WEB_CONCURRENCY,
    dataDir: values.DATA_DIR,
    logLevel: values.LOG_LEVEL,
  }
}

const noRedis = { redis: undefined, problems: [] }

function readMetrics({ METRICS_HOST: host, METRICS_PORT: port, ALLOWED_HOSTS }: Values) {
  return port === undefined
    ? undefined
    : { host, port, allowedHosts: [...defaultHosts(host), ...(ALLOWED_HOSTS ?? [])] }
}

function readTracing(values: Values) {
  if (values.OTEL_EXPORTER_OTLP_ENDPOINT === undefined) return undefined
  const attributes = values.OTEL_RESOURCE_ATTRIBUTES ?? {}
  const name = values.OTEL_SERVICE_NAME ?? attributes['service.name'] ?? 'stockroom'
  return {
    url: `${values.OTEL_EXPORTER_OTLP_ENDPOINT}/v1/traces`,
    headers: values.OTEL_EXPORTER_OTLP_HEADERS ?? {},
    resource: { ...attributes, 'service.name': name },
    sampler: values.OTEL_TRACES_SAMPLER,
    ratio: values.OTEL_TRACES_SAMPLER_ARG,
  }
}

/** A service that is reachable only from this machine accepts only its own names. */
function defaultHosts(host: string): string[] {
  const name = (host.includes(':') && !host.startsWith('[') ? `[${host}]` : host).toLowerCase()
  const isLoopback = name === 'localhost' || name === '[::1]' || (isIPv4(name) && name.startsWith('127.'))
  return isLoopback ? ['localhost', '127.0.0.1', '[::1]', name] : ['*']
}

function checkSecret(values: Values): string[] {
  const { JWT_SECRET, JWT_SECRET_FILE, JWT_SECRET_PREVIOUS, JWT_ALGORITHM, POSTGRES_HOST } = values
  const shortest = shortestKey[JWT_ALGORITHM] ?? 0
  const problems = Object.entries({ JWT_SECRET, JWT_SECRET_PREVIOUS })
    .filter(([, secret]) => secret !== undefined && Buffer.byteLength(secret) < shortest)
    .map(([name]) => `${name} is too short: ${JWT_ALGORITHM} needs at least ${shortest} bytes`)
  if (JWT_SECRET !== undefined || JWT_SECRET_FILE !== undefined) return problems
  if (POSTGRES_HOST !== undefined) problems.push('JWT_SECRET is required when POSTGRES_HOST or DATABASE_URL is set')
  if (JWT_SECRET_PREVIOUS !== undefined) problems.push('JWT_SECRET is required with JWT_SECRET_PREVIOUS')
  return problems
}

function checkPool({ POSTGRES_POOL_SIZE, POSTGRES_MAX_OVERFLOW }: Values): string[] {
  const isTooSmall = POSTGRES_POOL_SIZE + POSTGRES_MAX_OVERFLOW < 2
  return isTooSmall
    ? [
        'POSTGRES_POOL_SIZE plus POSTGRES_MAX_OVERFLOW must be at least 2: one connection is reserved for fast statements',
      ]
    : []
}

function checkPrepared({ POSTGRES_PREPARED, pgbouncer }: Values): string[] {
  return pgbouncer && POSTGRES_PREPARED === 'true'
    ? ['POSTGRES_PREPARED=true contradicts pgbouncer=true in DATABASE_URL: unset one of them']
    : []
}

function checkDrain({ DRAIN_DELAY, SHUTDOWN_TIMEOUT }: Values): string[] {
  return DRAIN_DELAY > SHUTDOWN_TIMEOUT ? ['DRAIN_DELAY must not be longer than SHUTDOWN_TIMEOUT'] : []
}
