import { test, type TestContext } from 'node:test'

import { ConfigError, readConfig } from '../../src/config/config.ts'

const JWT_SECRET = 'x'.repeat(32)

const read = (DATABASE_URL: string, more: Record<string, string> = {}) =>
  readConfig({ JWT_SECRET, DATABASE_URL, ...more }).postgres

const server = { host: 'db.example', port: 5432, user: 'ada', password: 'word', database: 'shop' }

const uris: [uri: string, expected: object][] = [
  ['postgres://ada:word@db.example/shop', server],
  ['postgresql://ada:word@db.example:5432/shop', server],
  ['postgres://ada:word@db.example:6543/shop', { ...server, port: 6543 }],
  ['postgres://ada@db.example/shop', { ...server, password: undefined }],
  ['postgres://ada:word@db.example', { ...server, database: 'ada' }],
  ['postgres://a%40b:w%2Fo%40%25@db.example/s%20p', { ...server, user: 'a@b', password: 'w/o@%', database: 's p' }],
  ['postgres://ada:w?x=y&#:z@db.example/shop', { ...server, password: 'w?x=y&#:z' }],
  ['postgres://ada:word@[2001:db8::1]:6543/shop', { ...server, host: '2001:db8::1', port: 6543 }],
  ['postgres://ada:word@/shop?host=/cloudsql/a:b:c', { ...server, host: '/cloudsql/a:b:c' }],
  ['postgres://ada:word@%2Frun%2Fpg/shop', { ...server, host: '/run/pg' }],
  ['postgres://ada:word@db.example/shop?sslmode=require', { ...server, tls: { mode: 'require' } }],
  ['postgres://ada:word@db.example/shop?sslmode=verify-full&sslrootcert=system', { tls: { mode: 'verify-full' } }],
  ['postgres://ada:word@db.example/shop?channel_binding=require', { channelBinding: 'require' }],
  ['postgres://ada:word@db.example/shop?connect_timeout=9', { connectTimeoutMs: 9_000 }],
  ['postgres://ada:word@db.example/shop?application_name=my%20shop', { applicationName: 'my shop' }],
]

test('DATABASE_URL is read as by libpq', (t: TestContext) => {
  for (const [uri, expected] of uris) t.assert.partialDeepStrictEqual(read(uri), expected, uri)
})

const refused: [uri: string, said: RegExp][] = [
  ['mysql://ada:banana@db.example/shop', /DATABASE_URL must be postgres:\/\//],
  ['postgres://ada:ban@ana@db.example/shop', /must be postgres:.* with @ and \/ in a password as %40 and %2F/],
  ['postgres://ada:ban/ana@db.example/shop', /DATABASE_URL must be postgres:\/\//],
  ['postgres://ada:1/?banana=x@db.example/shop', /DATABASE_URL must be postgres:\/\//],
  ['postgres://ada:banana%zz@db.example/shop', /DATABASE_URL has a % that does not encode a character/],
  ['postgres://ada:banana%00@db.example/shop', /DATABASE_URL has a % that does not encode a character/],
  ['postgres://db.example/shop', /DATABASE_URL must name a user/],
  ['postgres://ada:banana@/shop', /DATABASE_URL must name a host/],
  [
    'postgres://ada:banana@one,two/shop',
    /DATABASE_URL must name one host: for several, name a proxy that leads to the primary, such as HAProxy or PgBouncer/,
  ],
  ['postgres://ada:banana@one:5432,two:5432/shop', /DATABASE_URL must name one host/],
  ['postgres://ada:banana@/shop?host=one,two', /DATABASE_URL must name one host/],
  ['postgres://ada:banana@one/shop?target_session_attrs=read-write', /unknown parameter target_session_attrs/],
  ['postgres://ada:banana@db.example:0/shop', /port in DATABASE_URL must be a whole number/],
  ['postgres://ada:banana@db.example/shop?target_session_attrs=any', /unknown parameter target_session_attrs; known/],
  ['postgres://ada:banana@db.example/shop?sslmode', /DATABASE_URL has a parameter that is not name=value/],
  ['postgres://ada:banana@db.example/shop?sslmode=prefer', /sslmode in DATABASE_URL must be one of disable, require/],
  ['postgres://ada:banana@db.example/shop?connect_timeout=0', /connect_timeout in DATABASE_URL must be a whole/],
  ['postgres://ada:banana@db.example/shop?channel_binding=yes', /channel_binding in DATABASE_URL must be one of/],
]

test('an invalid DATABASE_URL is refused by its name, without its password', (t: TestContext) => {
  for (const [uri, said] of refused) {
    t.assert.throws(
      () => read(uri),
      (error) => {
        t.assert.ok(error instanceof ConfigError)
        t.assert.match(error.message, said, uri)
        t.assert.doesNotMatch(error.message, /banana|ana@/)
        return true
      },
    )
  }
})

test('pgbouncer=true in DATABASE_URL means POSTGRES_PREPARED=false', (t: TestContext) => {
  const uri = 'postgres://ada:word@db.example/shop'
  const prepared = (DATABASE_URL: string, env = {}) => readConfig({ JWT_SECRET, DATABASE_URL, ...env }).pool.prepared
  t.assert.deepStrictEqual([prepared(uri), prepared(`${uri}?pgbouncer=true`)], ['auto', 'false'])
  t.assert.strictEqual(prepared(uri, { POSTGRES_PREPARED: 'false' }), 'false')
  const both = () => prepared(`${uri}?pgbouncer=true`, { POSTGRES_PREPARED: 'true' })
  t.assert.throws(both, /POSTGRES_PREPARED=true contradicts pgbouncer=true in DATABASE_URL: unset one of them/)
})

test('DATABASE_URL and a setting that says the same are refused together', (t: TestContext) => {
  const uri = 'postgres://ada:word@db.example/shop?sslmode=require'
  for (const name of ['HOST', 'PORT', 'USER', 'PASSWORD', 'DB', 'SSLMODE']) {
    const both = { [`POSTGRES_${name}`]: name === 'SSLMODE' ? 'verify-full' : '1' }
    t.assert.throws(() => read(uri, both), new RegExp(`DATABASE_URL already says what POSTGRES_${name} says: unset`))
  }
  // What the URI leaves open can be set in addition, and Kubernetes sets the port itself.
  const rest = { POSTGRES_PASSWORD: 'word', POSTGRES_SSLMODE: 'require', POSTGRES_PORT: 'tcp://10.0.0.1:5432' }
  t.assert.partialDeepStrictEqual(read('postgres://ada@db.example/shop', rest), {
    ...server,
    tls: { mode: 'require' },
  })
})

test('DATABASE_URL requires JWT_SECRET, but not for commands', (t: TestContext) => {
  const DATABASE_URL = 'postgres://ada:word@db.example/shop'
  t.assert.throws(
    () => readConfig({ DATABASE_URL }),
    /JWT_SECRET is required when POSTGRES_HOST or DATABASE_URL is set/,
  )
  t.assert.strictEqual(readConfig({ DATABASE_URL }, false).postgres?.host, 'db.example')
})
