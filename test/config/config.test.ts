import { test, type TestContext } from 'node:test'

import { ConfigError, readConfig } from '../../src/config/config.ts'
import { describeSettings } from '../../src/config/settings.ts'

const secret = 'x'.repeat(32)

test('the defaults are the embedded PostgreSQL on localhost:8000', (t: TestContext) => {
  const config = readConfig({})
  t.assert.strictEqual(config.postgres, undefined)
  t.assert.strictEqual(config.redis, undefined)
  t.assert.strictEqual(config.tokens.secret, undefined)
  t.assert.deepStrictEqual(config.listen, { host: 'localhost', port: 8000 })
  t.assert.deepStrictEqual(config.pool, { schema: 'public', size: 5, overflow: 10, echo: false })
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
    POSTGRES_ECHO: 'True',
    REDIS_HOST: 'r',
    REDIS_PORT: '4',
    REDIS_DB: '5',
    REDIS_PASSWORD: 'q',
    JWT_SECRET: 'x'.repeat(64),
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
  t.assert.deepStrictEqual(config.postgres, { host: 'h', port: 1, user: 'u', password: 'p', database: 'd' })
  t.assert.deepStrictEqual(config.pool, { schema: 'public', size: 2, overflow: 3, echo: true })
  t.assert.deepStrictEqual(config.redis, { host: 'r', port: 4, database: 5, password: 'q' })
  t.assert.deepStrictEqual(config.tokens, { secret: 'x'.repeat(64), algorithm: 'HS512', type: 'bearer' })
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

test('every invalid setting is reported at once, without its value', (t: TestContext) => {
  const env = {
    POSTGRES_PORT: 'banana',
    POSTGRES_SCHEMA: 'a;drop',
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
  })
}

test('an external PostgreSQL requires JWT_SECRET', (t: TestContext) => {
  t.assert.throws(() => readConfig({ POSTGRES_HOST: 'h' }), /JWT_SECRET is required when POSTGRES_HOST is set/)
  t.assert.strictEqual(readConfig({ POSTGRES_HOST: 'h', JWT_SECRET: secret }).postgres?.host, 'h')
  t.assert.strictEqual(readConfig({ POSTGRES_HOST: 'h' }, false).postgres?.host, 'h')
})

test('settings of an unnamed server are refused unless from Kubernetes', (t: TestContext) => {
  for (const name of ['POSTGRES_PORT', 'POSTGRES_USER', 'POSTGRES_PASSWORD', 'POSTGRES_DB']) {
    t.assert.throws(() => readConfig({ [name]: '1' }), new RegExp(`POSTGRES_HOST is required with ${name}: set it`))
  }
  t.assert.throws(
    () => readConfig({ DATABASE_URL: 'postgres://db' }),
    /DATABASE_URL is not supported: set POSTGRES_HOST/,
  )
  t.assert.throws(() => readConfig({ REDIS_URL: 'redis://db' }), /REDIS_URL is not supported: set REDIS_HOST/)
  const link = 'tcp://10.0.0.1:6380'
  const embedded = readConfig({ POSTGRES_PORT: link, REDIS_PORT: link })
  t.assert.deepStrictEqual([embedded.postgres, embedded.redis], [undefined, undefined])
  t.assert.strictEqual(readConfig({ REDIS_HOST: 'h', REDIS_PORT: link, REDIS_URL: 'redis://h' }).redis?.port, 6380)
  t.assert.throws(() => readConfig({ REDIS_PORT: 'tcp://10.0.0.1' }), /REDIS_PORT must be a whole number/)
})

test('the help has a line for each setting, with its default', (t: TestContext) => {
  const help = describeSettings().split('\n')
  t.assert.strictEqual(help.length, 40)
  t.assert.match(help.find((line) => line.includes(' PORT ')) ?? '', /\[8000\]$/)
  t.assert.match(help.find((line) => line.includes(' JWT_SECRET ')) ?? '', /required with POSTGRES_HOST$/)
})
