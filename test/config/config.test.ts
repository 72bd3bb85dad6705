import { test, type TestContext } from 'node:test'

import { ConfigError, readConfig } from '../../src/config/config.ts'

const secret = 'x'.repeat(32)

test('the defaults are the embedded PostgreSQL on localhost:8000', (t: TestContext) => {
  const config = readConfig({})
  t.assert.strictEqual(config.postgres, undefined)
  t.assert.strictEqual(config.redis, undefined)
  t.assert.strictEqual(config.tokens.secret, undefined)
  t.assert.deepStrictEqual(config.listen, { host: 'localhost', port: 8000 })
  t.assert.deepStrictEqual(config.pool, { schema: 'public', size: 5, overflow: 10, echo: false, prepared: 'auto' })
  t.assert.strictEqual(config.bcryptCost, 12)
  t.assert.strictEqual(config.sessionIdleTimeout, 0)
  t.assert.strictEqual(config.itemWrites, 'owner')
})

test('every setting of the original service is read', (t: TestContext) => {
  const config = readConfig({
    POSTGRES_USER: 'u',
    POSTGRES_PASSWORD: 'p',
    POSTGRES_HOST: 'h',
    POSTGRES_PORT: '1',
    POSTGRES_DB: 'd',
    POSTGRES_POOL_SIZE: '2',
    POSTGRES_MAX_OVERFLOW: '3',
    POSTGRES_PREPARED: 'true',
    POSTGRES_ECHO: 'True',
    REDIS_HOST: 'r',
    REDIS_PORT: '4',
    REDIS_DB: '5',
    REDIS_PASSWORD: 'q',
    JWT_SECRET: 'x'.repeat(64),
    JWT_SECRET_PREVIOUS: 'y'.repeat(64),
    JWT_ALGORITHM: 'HS512',
    TOKEN_TYPE: 'bearer',
    SESSION_IDLE_TIMEOUT: '900',
    HOST: '::',
    PORT: '0',
    WEB_CONCURRENCY: '2',
    ITEM_WRITES: 'shared',
    LOG_LEVEL: 'warn',
    AUTO_MIGRATE: 'no',
    SHUTDOWN_TIMEOUT: '20',
    DRAIN_DELAY: '5',
    LIMIT_CONNECTIONS: '7',
    CORS_ORIGINS: 'https://shop.example, http://[::1]:5173',
    LOGIN_LIMIT_PER_ADDRESS: '8',
    LOGIN_LIMIT_PER_ACCOUNT: '9',
    REGISTRATION_LIMIT_PER_ADDRESS: '10',
    REGISTRATION: 'closed',
    TRUST_PROXY: '10.0.0.0/8, ::1',
  })
  t.assert.partialDeepStrictEqual(config.postgres, { host: 'h', port: 1, user: 'u', password: 'p', database: 'd' })
  t.assert.deepStrictEqual(config.pool, { schema: 'public', size: 2, overflow: 3, echo: true, prepared: 'true' })
  t.assert.partialDeepStrictEqual(config.redis, { host: 'r', port: 4, database: 5, password: 'q' })
  t.assert.deepStrictEqual(config.tokens, {
    secret: 'x'.repeat(64),
    previousSecret: 'y'.repeat(64),
    algorithm: 'HS512',
    type: 'bearer',
  })
  t.assert.strictEqual(config.sessionIdleTimeout, 900)
  t.assert.deepStrictEqual(config.listen, { host: '::', port: 0 })
  t.assert.strictEqual(config.processes, 2)
  t.assert.strictEqual(config.itemWrites, 'shared')
  t.assert.strictEqual(config.logLevel, 'warn')
  t.assert.strictEqual(config.autoMigrate, false)
  t.assert.deepStrictEqual([config.shutdownTimeoutMs, config.drainDelayMs], [20_000, 5_000])
  t.assert.strictEqual(config.connectionLimit, 7)
  t.assert.deepStrictEqual(config.corsOrigins, ['https://shop.example', 'http://[::1]:5173'])
  t.assert.deepStrictEqual(config.limits, { loginsPerAddress: 8, loginsPerAccount: 9, registrationsPerAddress: 10 })
  t.assert.strictEqual(config.registration, 'closed')
  t.assert.deepStrictEqual(config.trustProxy, ['10.0.0.0/8', '::1'])
})

test('TRUST_PROXY is a number, or addresses and networks', (t: TestContext) => {
  t.assert.strictEqual(readConfig({}).trustProxy, 0)
  t.assert.strictEqual(readConfig({ TRUST_PROXY: '2' }).trustProxy, 2)
  t.assert.deepStrictEqual(readConfig({ TRUST_PROXY: 'fd00::/8' }).trustProxy, ['fd00::/8'])
  for (const given of [
    'true',
    '-1',
    '10.0.0',
    '10.0.0.0/33',
    '10.0.0.0/0',
    '10.0.0.0/8/8',
    '10.0.0.1,',
    'fd00::/129',
  ]) {
    t.assert.throws(
      () => readConfig({ TRUST_PROXY: given }),
      /TRUST_PROXY must be a number, or comma-separated addresses/,
      given,
    )
  }
})

test('metrics are served if METRICS_PORT is set, on localhost', (t: TestContext) => {
  t.assert.strictEqual(readConfig({}).metrics, undefined)
  t.assert.deepStrictEqual(readConfig({ METRICS_PORT: '9464' }).metrics, {
    host: 'localhost',
    port: 9464,
    allowedHosts: ['localhost', '127.0.0.1', '[::1]', 'localhost'],
  })
  const everywhere = readConfig({ METRICS_PORT: '9464', METRICS_HOST: '0.0.0.0' })
  t.assert.deepStrictEqual(everywhere.metrics?.allowedHosts, ['*'])
  const proxied = readConfig({ METRICS_PORT: '9464', ALLOWED_HOSTS: 'metrics.example' })
  t.assert.strictEqual(proxied.metrics?.allowedHosts.at(-1), 'metrics.example')
})

test('ROOT_PATH is a path of plain segments', (t: TestContext) => {
  for (const [given, path] of Object.entries({
    '/': '',
    '/shop': '/shop',
    '/a/b.c-d_~/': '/a/b.c-d_~',
    '/..a': '/..a',
  })) {
    t.assert.strictEqual(readConfig({ ROOT_PATH: given }).rootPath, path)
  }
  const refused = [
    'shop',
    '//shop',
    '/a//b',
    '/a/../b',
    '/.',
    '/a b',
    '/a"',
    '/a?b',
    '/a%2Fb',
    'https://shop',
    `/${'a'.repeat(256)}`,
  ]
  for (const given of refused) {
    t.assert.throws(() => readConfig({ ROOT_PATH: given }), /ROOT_PATH must be a path such as \/shop/, given)
  }
})

test('an origin is written as browsers send it', (t: TestContext) => {
  t.assert.deepStrictEqual(readConfig({}).corsOrigins, [])
  t.assert.deepStrictEqual(readConfig({ CORS_ORIGINS: '*' }).corsOrigins, ['*'])
  for (const given of [
    'shop.example',
    'https://shop.example/',
    'https://Shop.example',
    '*, https://a.example',
    'null',
  ]) {
    t.assert.throws(() => readConfig({ CORS_ORIGINS: given }), /CORS_ORIGINS must be comma-separated origins/, given)
  }
})

test('SHUTDOWN_TIMEOUT must exceed DRAIN_DELAY', (t: TestContext) => {
  const env = (delay: string) => ({ SHUTDOWN_TIMEOUT: '5', DRAIN_DELAY: delay })
  t.assert.throws(() => readConfig(env('6')), /DRAIN_DELAY must not be longer than SHUTDOWN_TIMEOUT/)
  t.assert.strictEqual(readConfig(env('5')).drainDelayMs, 5_000)
})

test('a pool has at least two connections', (t: TestContext) => {
  const env = { POSTGRES_POOL_SIZE: '1', POSTGRES_MAX_OVERFLOW: '0' }
  t.assert.throws(() => readConfig(env), /POSTGRES_POOL_SIZE plus POSTGRES_MAX_OVERFLOW must be at least 2/)
  t.assert.strictEqual(readConfig({ ...env, POSTGRES_MAX_OVERFLOW: '1' }).pool.size, 1)
})

test('an empty setting counts as absent', (t: TestContext) => {
  t.assert.deepStrictEqual(readConfig({ POSTGRES_HOST: '', REDIS_HOST: '', PORT: '', JWT_SECRET: '' }), readConfig({}))
})

test('all invalid settings are reported together, without values', (t: TestContext) => {
  const env = {
    POSTGRES_PORT: 'banana',
    POSTGRES_SCHEMA: 'a;drop',
    POSTGRES_PREPARED: 'banana',
    POSTGRES_ECHO: 'banana',
    JWT_ALGORITHM: 'none',
    PORT: '65536',
    WEB_CONCURRENCY: '1.5',
    LOG_LEVEL: 'banana',
    JWT_SECRET: 'banana',
  }
  t.assert.throws(
    () => readConfig(env),
    (error) => {
      t.assert.ok(error instanceof ConfigError)
      for (const name of Object.keys(env))
        t.assert.ok(name === 'JWT_SECRET' || error.message.includes(`${name} must`), name)
      t.assert.ok(!error.message.includes('banana'))
      return true
    },
  )
})

for (const [algorithm, bytes] of [
  ['HS256', 32],
  ['HS384', 48],
  ['HS512', 64],
] as const) {
  test(`${algorithm} needs a secret of ${bytes} bytes`, (t: TestContext) => {
    const env = (length: number) => ({ JWT_ALGORITHM: algorithm, JWT_SECRET: 'x'.repeat(length) })
    t.assert.throws(
      () => readConfig(env(bytes - 1)),
      new RegExp(`JWT_SECRET is too short: ${algorithm} needs at least ${bytes} bytes`),
    )
    t.assert.strictEqual(readConfig(env(bytes)).tokens.secret?.length, bytes)
    const previous = (length: number) => ({ ...env(bytes), JWT_SECRET_PREVIOUS: 'y'.repeat(length) })
    t.assert.throws(() => readConfig(previous(bytes - 1)), /JWT_SECRET_PREVIOUS is too short: HS/)
    t.assert.strictEqual(readConfig(previous(bytes)).tokens.previousSecret?.length, bytes)
  })
}

test('an external PostgreSQL requires JWT_SECRET', (t: TestContext) => {
  t.assert.throws(() => readConfig({ POSTGRES_HOST: 'h' }), /JWT_SECRET is required when POSTGRES_HOST or/)
  t.assert.strictEqual(readConfig({ POSTGRES_HOST: 'h', JWT_SECRET: secret }).postgres?.host, 'h')
  t.assert.strictEqual(readConfig({ POSTGRES_HOST: 'h' }, false).postgres?.host, 'h')
})

test('JWT_SECRET_PREVIOUS requires JWT_SECRET', (t: TestContext) => {
  const env = { JWT_SECRET_PREVIOUS: secret }
  t.assert.throws(() => readConfig(env), /JWT_SECRET is required with JWT_SECRET_PREVIOUS/)
  t.assert.strictEqual(readConfig({ ...env, POSTGRES_HOST: 'h' }, false).postgres?.host, 'h')
})

test('settings of an unnamed server are refused unless from Kubernetes', (t: TestContext) => {
  for (const name of ['POSTGRES_PORT', 'POSTGRES_USER', 'POSTGRES_PASSWORD', 'POSTGRES_DB', 'POSTGRES_SSLROOTCERT']) {
    t.assert.throws(() => readConfig({ [name]: '1' }), new RegExp(`DATABASE_URL is required with ${name}: set it`))
  }
  const link = 'tcp://10.0.0.1:6380'
  const embedded = readConfig({ POSTGRES_PORT: link, REDIS_PORT: link })
  t.assert.deepStrictEqual([embedded.postgres, embedded.redis], [undefined, undefined])
  t.assert.strictEqual(readConfig({ REDIS_HOST: 'h', REDIS_PORT: link }).redis?.port, 6380)
  t.assert.throws(() => readConfig({ REDIS_PORT: 'tcp://10.0.0.1' }), /REDIS_PORT must be a whole number/)
})

const receiver = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318' }

test('traces are off without an endpoint', (t: TestContext) => {
  t.assert.strictEqual(readConfig({ OTEL_SERVICE_NAME: 'shop', OTEL_TRACES_SAMPLER: 'always_on' }).tracing, undefined)
  t.assert.deepStrictEqual(readConfig(receiver).tracing, {
    url: 'http://localhost:4318/v1/traces',
    headers: {},
    resource: { 'service.name': 'stockroom' },
    sampler: 'parentbased_traceidratio',
    ratio: 0.01,
  })
})

test('settings of traces are read as OpenTelemetry defines them', (t: TestContext) => {
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'https://otlp.example/base/',
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Basic%20YTpi, x-scope=1,',
    OTEL_TRACES_SAMPLER: 'traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '.5',
    OTEL_RESOURCE_ATTRIBUTES: 'service.name=shop,deployment.environment.name=production',
  }
  const tracing = {
    url: 'https://otlp.example/base/v1/traces',
    headers: { authorization: 'Basic YTpi', 'x-scope': '1' },
    resource: { 'service.name': 'shop', 'deployment.environment.name': 'production' },
    sampler: 'traceidratio',
    ratio: 0.5,
  }
  t.assert.deepStrictEqual(readConfig(env).tracing, tracing)
  t.assert.strictEqual(readConfig({ ...env, OTEL_SERVICE_NAME: 'store' }).tracing?.resource['service.name'], 'store')
})

test('invalid settings of traces are refused by name, without values', (t: TestContext) => {
  const refused: [name: string, values: string[], said: string][] = [
    [
      'OTEL_EXPORTER_OTLP_ENDPOINT',
      ['banana', 'localhost:4318', 'ftp://banana', 'http://u:banana@h', 'http://h/?banana=1', 'http://h/#banana'],
      'must be a URL such as http://localhost:4318, without credentials',
    ],
    [
      'OTEL_EXPORTER_OTLP_HEADERS',
      ['banana', '=banana', 'a=banana%0a', 'a=%banana', 'a b=banana', 'a=bana na', 'a=%C3%A4banana'],
      'must be comma-separated name=value pairs',
    ],
    ['OTEL_RESOURCE_ATTRIBUTES', ['banana'], 'must be comma-separated name=value pairs'],
    [
      'OTEL_TRACES_SAMPLER',
      ['banana', 'jaeger_remote'],
      'must be one of parentbased_traceidratio, parentbased_always_on',
    ],
    ['OTEL_TRACES_SAMPLER_ARG', ['banana', '1.01', '-0.1', '1e-3', '1.', 'NaN'], 'must be a number from 0 to 1'],
  ]
  for (const [name, values, said] of refused) {
    for (const value of values) {
      t.assert.throws(
        () => readConfig({ ...receiver, [name]: value }),
        (error) => {
          t.assert.ok(error instanceof ConfigError)
          t.assert.ok(error.message.includes(`\n  ${name} ${said}`), `${name}=${value}: ${error.message}`)
          t.assert.ok(!error.message.includes('banana'))
          return true
        },
      )
    }
  }
})
