import { isIPv4 } from 'node:net'

import { StartupError } from '../startup-error.ts'
import {
  flag,
  hosts,
  identifier,
  integer,
  isServiceLink,
  oneOf,
  optional,
  origins,
  port,
  proxies,
  type Setting,
  text,
} from './setting-types.ts'

export type Config = ReturnType<typeof readConfig>

export class ConfigError extends StartupError {
  override name = 'ConfigError'
}

const settings = {
  POSTGRES_HOST: optional('PostgreSQL host or socket directory; unset: start the embedded server'),
  POSTGRES_PORT: port('PostgreSQL port', 5432),
  POSTGRES_USER: text('PostgreSQL user', 'postgres'),
  POSTGRES_PASSWORD: optional('PostgreSQL password'),
  POSTGRES_DB: text('PostgreSQL database', 'stockroom'),
  POSTGRES_SCHEMA: identifier('PostgreSQL schema of the tables', 'public'),
  POSTGRES_POOL_SIZE: integer('minimum pool size per process', 5, 1, 1000),
  POSTGRES_MAX_OVERFLOW: integer('additional connections per process under load', 10, 0, 1000),
  POSTGRES_ECHO: flag('log each SQL statement, without its parameters', false),
  REDIS_HOST: optional('Redis host; unset: revocations live in PostgreSQL only'),
  REDIS_PORT: port('Redis port', 6379),
  REDIS_DB: integer('Redis database number', 0, 0, 65_535),
  REDIS_PASSWORD: optional('Redis password'),
  JWT_SECRET: optional('key that signs tokens, at least 32 bytes (HS384: 48, HS512: 64); required with POSTGRES_HOST'),
  JWT_ALGORITHM: oneOf('signing algorithm of tokens', ['HS256', 'HS384', 'HS512']),
  TOKEN_TYPE: oneOf('token_type in the login response', ['jwt', 'bearer']),
  SESSION_IDLE_TIMEOUT: integer('seconds of inactivity after which a token is revoked; 0 disables it', 0, 0, 86_400),
  BCRYPT_COST: integer('cost of password hashes, as a power of two', 12, 10, 16),
  LOGIN_LIMIT_PER_ADDRESS: integer(
    'failed logins per address in 15 minutes, and a tenth of all its logins; 0 disables the limit',
    100,
    0,
    1_000_000,
  ),
  LOGIN_LIMIT_PER_ACCOUNT: integer(
    'failed logins per account in 15 minutes, after which each counts tenfold; 0 disables the limit',
    20,
    0,
    1_000_000,
  ),
  REGISTRATION_LIMIT_PER_ADDRESS: integer(
    'registrations per address in 15 minutes; 0 disables the limit',
    500,
    0,
    1_000_000,
  ),
  REGISTRATION: oneOf('who may create an account: anyone (open), or operators with stockroom manager create (closed)', [
    'open',
    'closed',
  ]),
  TRUST_PROXY: proxies('trusted proxies for X-Forwarded-For: a hop count, or addresses and CIDR ranges'),
  ITEM_WRITES: oneOf('who may change an item: its owner, or every manager (shared)', ['owner', 'shared']),
  REQUIRE_IF_MATCH: flag('require If-Match to change or delete an item', false),
  IMPORT_LIMIT: integer('maximum size of an import, in MiB', 1024, 1, 1_048_576),
  AUTO_MIGRATE: flag('apply pending migrations at startup; false: refuse to start on an old schema', true),
  STARTUP_TIMEOUT: integer('seconds to wait for PostgreSQL at startup', 30, 0, 3600),
  SHUTDOWN_TIMEOUT: integer('grace period in seconds for in-flight requests at shutdown', 10, 0, 3600),
  DRAIN_DELAY: integer('seconds of that period to keep listening while /readyz reports draining', 0, 0, 3600),
  HOST: text('address to listen on', 'localhost'),
  ALLOWED_HOSTS: hosts(
    'comma-separated host names to accept, *.name for subdomains, * for any; default: loopback names if HOST is loopback, else any',
  ),
  PORT: integer('port to listen on', 8000, 0, 65_535),
  WEB_CONCURRENCY: integer('number of worker processes', 1, 1, 64),
  LIMIT_CONCURRENCY: integer('maximum concurrent requests per process; excess requests get 503', 1024, 1, 1_000_000),
  LIMIT_CONNECTIONS: integer(
    'maximum open connections per process; a new one evicts the longest idle',
    4000,
    1,
    1_000_000,
  ),
  CORS_ORIGINS: origins('comma-separated origins allowed by CORS; * allows any'),
  DATA_DIR: text('directory of the embedded PostgreSQL and the generated JWT secret', '.data'),
  LOG_LEVEL: oneOf('minimum level to log', ['info', 'trace', 'debug', 'warn', 'error', 'fatal', 'silent']),
}

type Values = { [Name in keyof typeof settings]: ReturnType<(typeof settings)[Name]['parse']> }

/** In bytes: the length of the algorithm's output (RFC 7518 §3.2). */
const shortestKey = { HS256: 32, HS384: 48, HS512: 64 }

// Reads and validates every setting. Empty values are treated as unset. Commands that sign no tokens
// need no secret.
export function readConfig(env: Record<string, string | undefined>, signsTokens = true) {
  const { values, problems } = parseAll(env)
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

export function describeSettings(): string {
  return Object.entries<Setting<unknown>>(settings)
    .map(([name, setting]) => {
      const standard = setting.default === undefined ? '' : ` [${setting.default}]`
      return `  ${name.padEnd(30)} ${setting.help}${standard}`
    })
    .join('\n')
}

function parseAll(env: Record<string, string | undefined>) {
  const problems: string[] = []
  const parsed = Object.entries<Setting<unknown>>(settings).map(([name, setting]) => {
    const given = env[name] || setting.default
    try {
      return [name, given === undefined ? undefined : setting.parse(given)]
    } catch (error) {
      problems.push(`${name} ${(error as Error).message}`)
      return [name, undefined]
    }
  })
  return { values: Object.fromEntries(parsed) as Values, problems }
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
