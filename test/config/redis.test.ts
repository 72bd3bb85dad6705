import { test, type TestContext } from 'node:test'

import { readConfig } from '../../src/config/config.ts'

const server = { host: 'cache.example', port: 6379, database: 0, username: undefined, password: undefined }
const encrypted = { mode: 'verify-full', ca: undefined }

const urls: [url: string, expected: object][] = [
  ['redis://cache.example', { ...server, tls: undefined }],
  ['redis://cache.example:6380/2', { ...server, port: 6380, database: 2 }],
  ['redis://:word@cache.example', { ...server, password: 'word' }],
  ['redis://shop:w%40r%2Fd@cache.example/', { ...server, username: 'shop', password: 'w@r/d' }],
  ['rediss://default:word@cache.example', { ...server, username: 'default', password: 'word', tls: encrypted }],
  ['redis://[2001:db8::1]:6380', { ...server, host: '2001:db8::1', port: 6380 }],
]

test('REDIS_URL names host, port, user, password, database, and TLS', (t: TestContext) => {
  for (const [REDIS_URL, expected] of urls) t.assert.partialDeepStrictEqual(readConfig({ REDIS_URL }).redis, expected)
})

const refused: [env: Record<string, string>, said: RegExp][] = [
  [{ REDIS_URL: 'http://banana' }, /REDIS_URL must be redis:\/\/user/],
  [{ REDIS_URL: 'redis://:ban@ana@cache.example' }, /REDIS_URL must be .* with @ and \/ in a password as %40 and %2F/],
  [{ REDIS_URL: 'redis://:banana@' }, /REDIS_URL must name a host/],
  [{ REDIS_URL: 'redis://:banana%@cache.example' }, /REDIS_URL has a % that does not encode a character/],
  [{ REDIS_URL: 'redis://:banana@cache.example?tls=true' }, /REDIS_URL must have no parameters/],
  [{ REDIS_URL: 'redis://:banana@cache.example/banana' }, /db in REDIS_URL must be a whole number/],
  [{ REDIS_URL: 'redis://:banana@cache.example:0' }, /port in REDIS_URL must be a whole number/],
  [{ REDIS_URL: 'redis://cache.example', REDIS_HOST: 'h' }, /REDIS_URL already says what REDIS_HOST says: unset one/],
  [{ REDIS_URL: 'rediss://cache.example', REDIS_TLS: 'true' }, /REDIS_URL already says what REDIS_TLS says: unset one/],
  [{ REDIS_URL: 'redis://cache.example', REDIS_TLS_CA_FILE: 'f' }, /REDIS_TLS_CA_FILE needs REDIS_TLS=true, or/],
  [{ REDIS_HOST: 'h', REDIS_TLS: 'banana' }, /REDIS_TLS must be true or false/],
  [
    { REDIS_HOST: 'h', REDIS_TLS: '1', REDIS_TLS_CA_FILE: '/banana' },
    /REDIS_TLS_CA_FILE names a file that cannot be read/,
  ],
  [
    { REDIS_HOST: 'h', REDIS_TLS: '1', REDIS_TLS_CA_FILE: import.meta.filename },
    /REDIS_TLS_CA_FILE names a file without a certificate in PEM format/,
  ],
  [{ REDIS_PASSWORD: 'banana' }, /REDIS_HOST, REDIS_URL, or REDIS_SENTINELS is required with REDIS_PASSWORD/],
  [{ REDIS_TLS: 'true' }, /REDIS_HOST, REDIS_URL, or REDIS_SENTINELS is required with REDIS_TLS/],
  [{ REDIS_SENTINELS: 'one:0' }, /REDIS_SENTINELS must be comma-separated addresses such as sentinel\.example:26379/],
  [{ REDIS_SENTINELS: 'one,,two' }, /REDIS_SENTINELS must be comma-separated addresses/],
  [{ REDIS_SENTINELS: 'redis://one' }, /REDIS_SENTINELS must be comma-separated addresses/],
  [{ REDIS_SENTINELS: 'one', REDIS_HOST: 'h' }, /REDIS_SENTINELS finds the server: unset REDIS_HOST/],
  [{ REDIS_SENTINELS: 'one', REDIS_PORT: '1' }, /REDIS_SENTINELS finds the server: unset REDIS_PORT/],
  [{ REDIS_SENTINELS: 'one', REDIS_URL: 'redis://banana' }, /REDIS_SENTINELS finds the server: unset REDIS_URL/],
  [{ REDIS_HOST: 'h', REDIS_SENTINEL_PASSWORD: 'banana' }, /REDIS_SENTINELS is required with REDIS_SENTINEL_PASSWORD/],
  [{ REDIS_SENTINEL_MASTER: 'shop' }, /REDIS_SENTINELS is required with REDIS_SENTINEL_MASTER/],
]

test('settings of Redis that are wrong or would be ignored are refused', (t: TestContext) => {
  for (const [env, said] of refused) {
    t.assert.throws(
      () => readConfig(env),
      ({ message }: Error) => {
        t.assert.match(message, said)
        t.assert.doesNotMatch(message, /banana/)
        return true
      },
    )
  }
})

test('REDIS_SENTINELS names sentinels, and 26379 is their port', (t: TestContext) => {
  const { redis } = readConfig({
    REDIS_SENTINELS: 'one, two:1,[::1]:2',
    REDIS_SENTINEL_MASTER: 'shop',
    REDIS_SENTINEL_USERNAME: 'u',
    REDIS_SENTINEL_PASSWORD: 'p',
  })
  const nodes = [
    { host: 'one', port: 26_379 },
    { host: 'two', port: 1 },
    { host: '::1', port: 2 },
  ]
  t.assert.deepStrictEqual(redis?.sentinel, { nodes, master: 'shop', username: 'u', password: 'p' })
})

test('commands of operators ignore the settings of Redis', (t: TestContext) => {
  const env = { REDIS_URL: 'banana', REDIS_TLS_CA_FILE: '/missing', REDIS_SENTINELS: 'one' }
  t.assert.strictEqual(readConfig(env, false).redis, undefined)
})
