import {
  flag,
  hosts,
  identifier,
  integer,
  oneOf,
  optional,
  origins,
  port,
  proxies,
  type Setting,
  text,
} from './setting-types.ts'

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
  HISTORY_DAYS: integer('days that recorded changes are kept; 0 keeps them forever', 365, 0, 36_500),
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

export type Values = { [Name in keyof typeof settings]: ReturnType<(typeof settings)[Name]['parse']> }

export function describeSettings(): string {
  return Object.entries<Setting<unknown>>(settings)
    .map(([name, setting]) => {
      const standard = setting.default === undefined ? '' : ` [${setting.default}]`
      return `  ${name.padEnd(30)} ${setting.help}${standard}`
    })
    .join('\n')
}

export function parseSettings(env: Record<string, string | undefined>) {
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
