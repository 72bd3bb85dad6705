type Wrong = Record<string, [value: string, said: RegExp, others?: Record<string, string>]>

const missing = '/banana/missing'
const noFile = /names a file that cannot be read \(ENOENT\)/
const oneOf = /must be one of /
const noServer = /^POSTGRES_HOST or DATABASE_URL is required with /
const noRedis = /^REDIS_HOST, REDIS_URL, or REDIS_SENTINELS is required with /
const noSentinels = /^REDIS_SENTINELS is required with /
const wholeNumber = /must be a whole number from /
const trueOrFalse = /must be true or false/
const pairs = /must be comma-separated name=value pairs/
const isShort = /is too short: HS256 needs at least 32 bytes/

/** Wrong values that are found before anything starts, and what is said in a line with the name. */
export const wrongSettings: Wrong = {
  DATABASE_URL: ['mysql://ada:banana@db/shop', /must be postgres:/],
  DATABASE_URL_FILE: [missing, noFile],
  POSTGRES_HOST: [
    'db',
    /^DATABASE_URL already says what POSTGRES_HOST says/,
    { DATABASE_URL: 'postgres://ada@db/shop' },
  ],
  POSTGRES_PORT: ['banana', wholeNumber],
  POSTGRES_USER: ['banana', noServer],
  POSTGRES_PASSWORD: ['banana', noServer],
  POSTGRES_PASSWORD_FILE: [missing, noFile],
  POSTGRES_DB: ['banana', noServer],
  POSTGRES_SSLMODE: ['prefer', oneOf],
  POSTGRES_SSLROOTCERT: [missing, noFile, { POSTGRES_HOST: 'db', POSTGRES_SSLMODE: 'verify-full' }],
  POSTGRES_SSLCERT: [missing, noFile, { POSTGRES_HOST: 'db', POSTGRES_SSLMODE: 'require' }],
  POSTGRES_SSLKEY: [missing, noFile, { POSTGRES_HOST: 'db', POSTGRES_SSLMODE: 'require' }],
  POSTGRES_SCHEMA: ['banana;drop', /must be a lowercase SQL identifier/],
  POSTGRES_POOL_SIZE: ['0', wholeNumber],
  POSTGRES_MAX_OVERFLOW: ['-1', wholeNumber],
  POSTGRES_PREPARED: ['banana', oneOf],
  POSTGRES_ECHO: ['banana', trueOrFalse],
  REDIS_URL: ['http://banana', /must be redis:/],
  REDIS_URL_FILE: [missing, noFile],
  REDIS_HOST: ['cache', /^REDIS_URL already says what REDIS_HOST says/, { REDIS_URL: 'redis://cache' }],
  REDIS_PORT: ['65536', wholeNumber],
  REDIS_DB: ['banana', wholeNumber],
  REDIS_USERNAME: ['banana', noRedis],
  REDIS_PASSWORD: ['banana', noRedis],
  REDIS_PASSWORD_FILE: [missing, noFile],
  REDIS_TLS: ['banana', trueOrFalse],
  REDIS_TLS_CA_FILE: [missing, noFile, { REDIS_HOST: 'cache', REDIS_TLS: 'true' }],
  REDIS_SENTINELS: ['redis://banana', /must be comma-separated addresses such as /],
  REDIS_SENTINEL_MASTER: ['banana', noSentinels],
  REDIS_SENTINEL_USERNAME: ['banana', noSentinels],
  REDIS_SENTINEL_PASSWORD: ['banana', noSentinels],
  REDIS_SENTINEL_PASSWORD_FILE: [missing, noFile],
  JWT_SECRET: ['banana', isShort],
  JWT_SECRET_FILE: [missing, noFile],
  JWT_SECRET_PREVIOUS: ['banana', isShort],
  JWT_SECRET_PREVIOUS_FILE: [missing, noFile],
  JWT_ALGORITHM: ['none', oneOf],
  TOKEN_TYPE: ['banana', oneOf],
  SESSION_IDLE_TIMEOUT: ['86401', wholeNumber],
  BCRYPT_COST: ['9', wholeNumber],
  LOGIN_LIMIT_PER_ADDRESS: ['1e3', wholeNumber],
  LOGIN_LIMIT_PER_ACCOUNT: ['1.5', wholeNumber],
  REGISTRATION_LIMIT_PER_ADDRESS: ['banana', wholeNumber],
  REGISTRATION: ['banana', oneOf],
  TRUST_PROXY: ['banana', /must be a number, or comma-separated addresses and CIDR ranges/],
  ITEM_WRITES: ['banana', oneOf],
  REQUIRE_IF_MATCH: ['banana', trueOrFalse],
  IMPORT_LIMIT: ['0', wholeNumber],
  HISTORY_DAYS: ['36501', wholeNumber],
  AUTO_MIGRATE: ['banana', trueOrFalse],
  STARTUP_TIMEOUT: ['3601', wholeNumber],
  SHUTDOWN_TIMEOUT: ['banana', wholeNumber],
  DRAIN_DELAY: ['11', /must not be longer than SHUTDOWN_TIMEOUT/],
  ALLOWED_HOSTS: ['http://banana', /must be comma-separated host names such as /],
  ROOT_PATH: ['banana', /must be a path such as \/shop/],
  PORT: ['65536', wholeNumber],
  METRICS_PORT: ['banana', wholeNumber],
  OTEL_EXPORTER_OTLP_ENDPOINT: ['banana', /must be a URL such as /],
  OTEL_EXPORTER_OTLP_HEADERS: ['banana', pairs],
  OTEL_EXPORTER_OTLP_HEADERS_FILE: [missing, noFile],
  OTEL_TRACES_SAMPLER: ['banana', oneOf],
  OTEL_TRACES_SAMPLER_ARG: ['1.01', /must be a number from 0 to 1/],
  OTEL_RESOURCE_ATTRIBUTES: ['banana', pairs],
  WEB_CONCURRENCY: ['65', /must be a whole number from 1 to 64, or auto/],
  LIMIT_CONCURRENCY: ['0', wholeNumber],
  LIMIT_CONNECTIONS: ['0', wholeNumber],
  CORS_ORIGINS: ['banana', /must be comma-separated origins such as /],
  LOG_LEVEL: ['banana', oneOf],
}

/** Wrong values that the start finds out. DATA_DIR is used only without another PostgreSQL. */
export const wrongAtStart: Wrong = {
  HOST: ['192.0.2.1', /^HOST does not name an address of this machine \(\w+\)\. Set HOST=localhost/],
  METRICS_HOST: [
    '192.0.2.1',
    /^Metrics cannot be served \(\w+\)\. Set METRICS_HOST to an address/,
    { METRICS_PORT: '0' },
  ],
  DATA_DIR: [import.meta.filename, /^DATA_DIR \(.*\) cannot be used: it is a file/],
}

/** Any text is right. */
export const withoutWrongValue = ['OTEL_SERVICE_NAME']
