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

/** Settings that do not fit. The message names every one of them, never a value. */
export class ConfigError extends StartupError {
  override name = 'ConfigError'
}

const settings = {
  POSTGRES_HOST: optional('host or socket folder of PostgreSQL; without one the embedded server serves'),
  POSTGRES_PORT: port('port of PostgreSQL', 5432),
  POSTGRES_USER: text('user of PostgreSQL', 'postgres'),
  POSTGRES_PASSWORD: optional('password of PostgreSQL'),
  POSTGRES_DB: text('database of PostgreSQL', 'stockroom'),
  POSTGRES_SCHEMA: identifier('schema of the tables', 'public'),
  POSTGRES_POOL_SIZE: integer('connections each process keeps', 5, 1, 1000),
  POSTGRES_MAX_OVERFLOW: integer('connections each process may open beyond those', 10, 0, 1000),
  POSTGRES_ECHO: flag('log each SQL statement, without its parameters', false),
  REDIS_HOST: optional('host of Redis; without one logouts are written to PostgreSQL alone'),
  REDIS_PORT: port('port of Redis', 6379),
  REDIS_DB: integer('database number of Redis', 0, 0, 65_535),
  REDIS_PASSWORD: optional('password of Redis'),
  JWT_SECRET: optional('signs the tokens, at least 32 bytes (HS384: 48, HS512: 64); required with POSTGRES_HOST'),
  JWT_ALGORITHM: oneOf('signature of the tokens', ['HS256', 'HS384', 'HS512']),
  TOKEN_TYPE: oneOf('token_type in the answer to a login', ['jwt', 'bearer']),
  SESSION_IDLE_TIMEOUT: integer('seconds without a request after which a token ends; 0: none', 0, 0, 86_400),
  BCRYPT_COST: integer('cost of a password hash, as a power of two', 12, 10, 16),
  LOGIN_LIMIT_PER_ADDRESS: integer(
    'failed logins of one address in 15 minutes, and a tenth of all its logins; 0 lifts the limit',
    100,
    0,
    1_000_000,
  ),
  LOGIN_LIMIT_PER_ACCOUNT: integer(
    'failed logins of one account in 15 minutes, beyond which each weighs tenfold; 0 lifts the limit',
    20,
    0,
    1_000_000,
  ),
  REGISTRATION_LIMIT_PER_ADDRESS: integer(
    'registrations of one address in 15 minutes; 0 lifts the limit',
    500,
    0,
    1_000_000,
  ),
  REGISTRATION: oneOf('closed: only stockroom manager create registers managers', ['open', 'closed']),
  TRUST_PROXY: proxies(
    'proxies whose X-Forwarded-For is believed: how many stand before it, or their addresses and networks',
  ),
  ITEM_WRITES: oneOf('who may change an item: its owner, or every manager', ['owner', 'shared']),
  REQUIRE_IF_MATCH: flag('refuse to change or delete an item without If-Match', false),
  IMPORT_LIMIT: integer('largest file that can be imported, in MiB', 1024, 1, 1_048_576),
  AUTO_MIGRATE: flag('apply pending migrations at start; false: refuse to start on an old schema', true),
  STARTUP_TIMEOUT: integer('seconds to wait at start for a database that is coming up', 30, 0, 3600),
  SHUTDOWN_TIMEOUT: integer('seconds that running requests get to finish at the end', 10, 0, 3600),
  DRAIN_DELAY: integer('seconds of these in which it still listens, while /readyz says that it ends', 0, 0, 3600),
  HOST: text('address to listen on', 'localhost'),
  ALLOWED_HOSTS: hosts(
    'host names it answers to, with commas between, *.name for subdomains, * for all; by default those of a loopback HOST, else all',
  ),
  PORT: integer('port to listen on', 8000, 0, 65_535),
  WEB_CONCURRENCY: integer('processes that serve', 1, 1, 64),
  LIMIT_CONCURRENCY: integer(
    'requests each process serves at a time; those beyond are answered 503',
    1024,
    1,
    1_000_000,
  ),
  LIMIT_CONNECTIONS: integer(
    'connections each process holds; a new one takes the place of the one idle longest',
    4000,
    1,
    1_000_000,
  ),
  CORS_ORIGINS: origins('origins whose pages may call it from a browser, with commas between; * for all'),
  DATA_DIR: text('folder of the embedded PostgreSQL and of the secret made for it', '.data'),
  LOG_LEVEL: oneOf('least severe level to log', ['info', 'trace', 'debug', 'warn', 'error', 'fatal', 'silent']),
}

type Values = { [Name in keyof typeof settings]: ReturnType<(typeof settings)[Name]['parse']> }

/** Shortest key of each algorithm: its output's length (RFC 7518 §3.2), in bytes. */
const shortestKey = { HS256: 32, HS384: 48, HS512: 64 }

/**
 * Reads every setting from `env`, where an empty one counts as absent, and checks them all.
 *
 * @param signsTokens false for commands that work on the database alone: they need no secret
 * @throws ConfigError naming each setting that does not fit
 */
export function readConfig(env: Record<string, string | undefined>, signsTokens = true) {
  const { values, problems } = parseAll(env)
  problems.push(...checkSecret(values, signsTokens), ...checkPool(values), ...checkDrain(values), ...checkServers(env))
  if (problems.length > 0) {
    throw new ConfigError(`These settings do not fit:\n${problems.map((problem) => `  ${problem}`).join('\n')}`)
  }
  return {
    /** Undefined: the embedded server in `dataDir` serves. */
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
    /** In seconds; 0: none. */
    sessionIdleTimeout: values.SESSION_IDLE_TIMEOUT,
    bcryptCost: values.BCRYPT_COST,
    /** In 15 minutes each; 0 lifts one. */
    limits: {
      loginsPerAddress: values.LOGIN_LIMIT_PER_ADDRESS,
      loginsPerAccount: values.LOGIN_LIMIT_PER_ACCOUNT,
      registrationsPerAddress: values.REGISTRATION_LIMIT_PER_ADDRESS,
    },
    registration: values.REGISTRATION,
    trustProxy: values.TRUST_PROXY,
    itemWrites: values.ITEM_WRITES,
    requireIfMatch: values.REQUIRE_IF_MATCH,
    /** In bytes. */
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

/** A line for each setting: its name, what it is for, its default. */
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

/** A service that only this machine can reach is reached by its names alone. */
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
        'POSTGRES_POOL_SIZE and POSTGRES_MAX_OVERFLOW must be at least 2 together: one connection is reserved for fast statements',
      ]
    : []
}

function checkDrain({ DRAIN_DELAY, SHUTDOWN_TIMEOUT }: Values): string[] {
  return DRAIN_DELAY > SHUTDOWN_TIMEOUT ? ['DRAIN_DELAY must not be longer than SHUTDOWN_TIMEOUT'] : []
}

/** Settings of a server that is not named, for they would be ignored while another one serves. */
function checkServers(env: Record<string, string | undefined>): string[] {
  const problems: string[] = []
  if (!env['POSTGRES_HOST']) {
    const names = ['POSTGRES_PORT', 'POSTGRES_USER', 'POSTGRES_PASSWORD', 'POSTGRES_DB']
    // Kubernetes sets the port by itself, for a Service of that name.
    const given = names.filter((name) => env[name] && !isServiceLink(env[name]))
    if (given.length > 0) {
      problems.push(
        `POSTGRES_HOST is missing beside ${given.join(', ')}: set it, or unset those for the embedded server`,
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
