import { addresses, hosts, optionalPort, origins, port, proxies, rootPath, url } from './address-types.ts'
import {
  flag,
  identifier,
  integer,
  integerOrAuto,
  oneOf,
  optional,
  pairs,
  ratio,
  type Setting,
  text,
} from './setting-types.ts'

const settings = {
  DATABASE_URL: optional(
    'PostgreSQL as a URI, instead of POSTGRES_HOST and so on; unset both: start the embedded server',
  ),
  DATABASE_URL_FILE: optional('file that contains DATABASE_URL'),
  POSTGRES_HOST: optional('PostgreSQL host or socket directory; unset: start the embedded server'),
  POSTGRES_PORT: port('PostgreSQL port', 5432),
  POSTGRES_USER: text('PostgreSQL user', 'postgres'),
  POSTGRES_PASSWORD: optional('PostgreSQL password'),
  POSTGRES_PASSWORD_FILE: optional('file that contains POSTGRES_PASSWORD'),
  POSTGRES_DB: text('PostgreSQL database', 'stockroom'),
  POSTGRES_SSLMODE: oneOf('TLS to PostgreSQL, as in libpq', ['disable', 'require', 'verify-ca', 'verify-full']),
  POSTGRES_SSLROOTCERT: optional('file with the certificate authorities of PostgreSQL; system: those of Node'),
  POSTGRES_SSLCERT: optional('file with the client certificate for PostgreSQL'),
  POSTGRES_SSLKEY: optional('file with the key of that certificate'),
  POSTGRES_SCHEMA: identifier('PostgreSQL schema of the tables', 'public'),
  POSTGRES_POOL_SIZE: integer('minimum pool size per process', 5, 1, 1000),
  POSTGRES_MAX_OVERFLOW: integer('additional connections per process under load', 10, 0, 1000),
  POSTGRES_PREPARED: oneOf('whether to prepare statements; auto: until a pooler turns out not to support them', [
    'auto',
    'true',
    'false',
  ]),
  POSTGRES_ECHO: flag('log each SQL statement, without its parameters', false),
  REDIS_URL: optional('Redis as a URL, instead of REDIS_HOST and so on; rediss: is TLS'),
  REDIS_URL_FILE: optional('file that contains REDIS_URL'),
  REDIS_HOST: optional('Redis host; unset: revocations live in PostgreSQL only'),
  REDIS_PORT: port('Redis port', 6379),
  REDIS_DB: integer('Redis database number', 0, 0, 65_535),
  REDIS_USERNAME: optional('Redis ACL user'),
  REDIS_PASSWORD: optional('Redis password'),
  REDIS_PASSWORD_FILE: optional('file that contains REDIS_PASSWORD'),
  REDIS_TLS: flag('TLS to Redis and to its sentinels, with verified certificates', false),
  REDIS_TLS_CA_FILE: optional('file with the certificate authorities of Redis; unset: those of Node'),
  REDIS_SENTINELS: addresses(
    'comma-separated host:port of the sentinels that find Redis, instead of REDIS_HOST',
    26_379,
  ),
  REDIS_SENTINEL_MASTER: text('name of the Redis that the sentinels monitor', 'mymaster'),
  REDIS_SENTINEL_USERNAME: optional('ACL user of the sentinels'),
  REDIS_SENTINEL_PASSWORD: optional('password of the sentinels'),
  REDIS_SENTINEL_PASSWORD_FILE: optional('file that contains REDIS_SENTINEL_PASSWORD'),
  JWT_SECRET: optional(
    'key that signs tokens, at least 32 bytes (HS384: 48, HS512: 64); required unless PostgreSQL is embedded',
  ),
  JWT_SECRET_FILE: optional('file that contains JWT_SECRET'),
  JWT_SECRET_PREVIOUS: optional('another key whose tokens are accepted, to rotate JWT_SECRET'),
  JWT_SECRET_PREVIOUS_FILE: optional('file that contains JWT_SECRET_PREVIOUS'),
  JWT_ALGORITHM: oneOf('signing algorithm of tokens', ['HS256', 'HS384', 'HS512']),
  TOKEN_TYPE: oneOf('token_type in the login response', ['jwt', 'bearer']),
  SESSION_IDLE_TIMEOUT: integer('seconds of inactivity after which a token is revoked; 0 disables it', 0, 0, 86_400),
  BCRYPT_COST: integer('cost of password hashes, as a power of two', 12, 10, 16),
  LOGIN_LIMIT_PER_ADDRESS: integer(
    'failed logins per address in 15 minutes; the limit of all its logins is ten times as high; 0 disables both',
    100,
    0,
    1_000_000,
  ),
  LOGIN_LIMIT_PER_ACCOUNT: integer(
    'failed logins per account in 15 minutes; each further one counts tenfold for its address; 0 disables it',
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
  ROOT_PATH: rootPath(
    'path that a proxy removes from URLs, such as /shop; unset: X-Forwarded-Prefix of trusted proxies',
  ),
  PORT: integer('port to listen on', 8000, 0, 65_535),
  METRICS_HOST: text('address on which /metrics is served', 'localhost'),
  METRICS_PORT: optionalPort('port of /metrics, 0 for any free one; unset: no metrics'),
  OTEL_EXPORTER_OTLP_ENDPOINT: url(
    'receiver of traces (OTLP over HTTP), such as http://localhost:4318; unset: no traces',
  ),
  OTEL_EXPORTER_OTLP_HEADERS: pairs('headers for that receiver, as name=value, separated by commas'),
  OTEL_EXPORTER_OTLP_HEADERS_FILE: optional('file that contains OTEL_EXPORTER_OTLP_HEADERS'),
  OTEL_TRACES_SAMPLER: oneOf('which requests are traced', [
    'parentbased_traceidratio',
    'parentbased_always_on',
    'parentbased_always_off',
    'traceidratio',
    'always_on',
    'always_off',
  ]),
  OTEL_TRACES_SAMPLER_ARG: ratio('share of the requests that a sampler by ratio traces', 0.01),
  OTEL_SERVICE_NAME: optional('name of the service in traces; unset: stockroom'),
  OTEL_RESOURCE_ATTRIBUTES: pairs('what traces say about this service, as name=value, separated by commas'),
  WEB_CONCURRENCY: integerOrAuto('number of worker processes; auto: one per core, as far as memory allows', 1, 1, 64),
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

const urlParameters = {
  channel_binding: oneOf('', ['disable', 'prefer', 'require']),
  connect_timeout: integer('', 5, 1, 60),
  application_name: text('', 'stockroom'),
  pgbouncer: flag('', false),
}

const all = { ...settings, ...urlParameters }

export type Values = { [Name in keyof typeof all]: ReturnType<(typeof all)[Name]['parse']> }

export function describeSettings(): string {
  return Object.entries<Setting<unknown>>(settings)
    .map(([name, setting]) => {
      const standard = setting.default === undefined ? '' : ` [${setting.default}]`
      return `  ${name.padEnd(30)} ${setting.help}${standard}`
    })
    .join('\n')
}

/** @param labels where a value is from, if it is not from the variable of its name */
export function parseSettings(env: Record<string, string | undefined>, labels: Record<string, string> = {}) {
  const problems: string[] = []
  const parsed = Object.entries<Setting<unknown>>(all).map(([name, setting]) => {
    const given = env[name] || setting.default
    try {
      return [name, given === undefined ? undefined : setting.parse(given)]
    } catch (error) {
      problems.push(`${labels[name] ?? name} ${(error as Error).message}`)
      return [name, undefined]
    }
  })
  return { values: Object.fromEntries(parsed) as Values, problems }
}
