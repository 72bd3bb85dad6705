import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'

import { pino } from 'pino'

import { readConfig } from '../../src/config/config.ts'
import { cancel } from '../../src/database/cancel.ts'
import { waitForServer } from '../../src/database/connect.ts'
import { upgrade } from '../../src/database/migrate.ts'
import { openClient, type Server } from '../../src/database/server.ts'
import { onServer, secret } from '../support/app.ts'
import { type Authority, openAuthority, withoutOpenssl } from '../support/certificates.ts'
import { closeAfter } from '../support/cleanup.ts'
import { json, run, runMain, signInAt, startService, temporaryFolder } from '../support/service.ts'
import { openProxy } from '../support/stores.ts'
import { openTlsPostgres, password, type TlsPostgres } from '../support/tls-postgres.ts'
import { until } from '../support/until.ts'

const silent = pino({ level: 'silent' })

/** Far longer than a test may take, so that a start that waits instead of ending fails it. */
const withoutTimeout = { STARTUP_TIMEOUT: '3600', PORT: '0', JWT_SECRET: secret }

interface Scene extends TlsPostgres {
  authority: Authority
  other: Authority
  settings: Record<string, string>
}

async function openScene(t: TestContext): Promise<Scene> {
  const authority = await openAuthority(t)
  const postgres = await openTlsPostgres(t, authority)
  const settings = {
    POSTGRES_HOST: postgres.server.host,
    POSTGRES_PORT: String(postgres.server.port),
    POSTGRES_USER: postgres.server.user,
    POSTGRES_PASSWORD: password,
    POSTGRES_DB: postgres.server.database,
  }
  return { ...postgres, authority, other: await openAuthority(t, 'other'), settings }
}

test('POSTGRES_SSLMODE means what it means to libpq', { skip: withoutOpenssl }, async (t: TestContext) => {
  const { authority, other, settings } = await openScene(t)
  const certified = authority.issue('certified')
  const foreign = other.issue('certified')
  const address = { POSTGRES_HOST: '127.0.0.1' }
  const right = { POSTGRES_SSLROOTCERT: authority.cert }
  const wrong = { POSTGRES_SSLROOTCERT: other.cert }
  const as = (own: { cert: string; key: string }) => ({
    POSTGRES_USER: 'certified',
    POSTGRES_SSLCERT: own.cert,
    POSTGRES_SSLKEY: own.key,
  })
  const cases: [mode: string, more: Record<string, string>, refusal?: RegExp][] = [
    ['disable', {}, /no pg_hba\.conf entry .* no encryption\. Check/],
    ['require', {}],
    ['require', address],
    ['require', right],
    ['require', { ...right, ...address }],
    ['require', wrong, /TLS to PostgreSQL at localhost:\d+ failed: .*certificate/],
    ['verify-ca', right],
    ['verify-ca', { ...right, ...address }],
    ['verify-ca', wrong, /TLS to PostgreSQL .* failed: .*certificate/],
    ['verify-full', right],
    ['verify-full', { ...right, ...address }, /TLS to PostgreSQL .* failed: .*not in the cert's/],
    ['verify-full', wrong, /TLS to PostgreSQL .* failed: .*certificate/],
    ['verify-full', { POSTGRES_SSLROOTCERT: 'system' }, /TLS to PostgreSQL .* failed: .*certificate/],
    ['verify-full', {}, /TLS to PostgreSQL .* failed: .*certificate/],
    ['verify-full', { ...right, ...as(certified) }],
    ['verify-full', { ...right, POSTGRES_USER: 'certified' }, /requires a valid client certificate\. Check/],
    [
      'verify-full',
      { ...right, ...as(foreign) },
      /(TLS to PostgreSQL .* failed: .*unknown ca|valid client certificate)/i,
    ],
    ['require', { POSTGRES_PASSWORD: 'wrong' }, /password authentication failed for user "ada"\. Check/],
    ['require', { POSTGRES_PASSWORD: '' }, /refused the connection: SASL: .*password must be a string\. Check/],
  ]
  for (const [POSTGRES_SSLMODE, more, refusal] of cases) {
    const { postgres } = readConfig({ ...settings, POSTGRES_SSLMODE, ...more }, false)
    if (!postgres) throw new Error('no server')
    const opening = waitForServer(postgres, 3_600_000, silent, t.signal)
    const what = `${POSTGRES_SSLMODE} ${JSON.stringify(more)}`
    if (refusal) await t.assert.rejects(opening, refusal, what)
    else await t.assert.doesNotReject(opening, what)
  }
})

test('NODE_TLS_REJECT_UNAUTHORIZED turns no verification off', { skip: withoutOpenssl }, async (t: TestContext) => {
  const { server, other } = await openScene(t)
  const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED']
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
  t.after(() => {
    if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
    else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before
  })
  for (const mode of ['require', 'verify-ca', 'verify-full'] as const) {
    const tls = { mode, ca: other.pem }
    await t.assert.rejects(waitForServer({ ...server, tls }, 3_600_000, silent, t.signal), /TLS to .* failed/, mode)
  }
})

test('channel_binding=require accepts only a bound SCRAM', { skip: withoutOpenssl }, async (t: TestContext) => {
  const { server, administration } = await openScene(t)
  const tls = { mode: 'require' } as const
  const open = (more: object) => waitForServer({ ...server, tls, ...more }, 3_600_000, silent, t.signal)
  await open({ channelBinding: 'require' })
  await upgrade({ ...server, tls, channelBinding: 'require' }, 'public', silent)
  const { rows } = await onServer({ ...server, tls, channelBinding: 'require' }, 'select ssl from pg_stat_ssl')
  t.assert.ok(rows.some(({ ssl }) => ssl))
  const said = /did not authenticate itself with channel binding/
  let heard = ''
  const proxy = await openProxy(server.port, (sent) => (heard += sent))
  closeAfter(t, () => proxy.close())
  // Without TLS, what is sent can be read.
  const plain = { host: '127.0.0.1', port: proxy.port, tls: undefined }
  for (const [method, more] of [
    ['trust', {}],
    ['password', plain],
  ] as const) {
    const rule = `host all all all ${method}`
    await onServer(administration, `copy (values ('${rule}'), ('local all all trust')) to program 'cat > pg_hba.conf'`)
    await reload(administration)
    await t.assert.rejects(open({ channelBinding: 'require', ...more }), said, method)
  }
  t.assert.ok(heard.includes('ada') && !heard.includes(password))
})

test('a wrong certificate ends the start immediately', { skip: withoutOpenssl }, async (t: TestContext) => {
  const { settings, other, authority } = await openScene(t)
  const tls = { POSTGRES_SSLMODE: 'verify-full', POSTGRES_SSLROOTCERT: other.cert }
  const right = { POSTGRES_SSLMODE: 'verify-full', POSTGRES_SSLROOTCERT: authority.cert }
  const starts: [env: Record<string, string>, said: RegExp][] = [
    [tls, /^TLS to PostgreSQL at localhost:\d+ failed: .*certificate.* Check POSTGRES_SSLMODE, POSTGRES_SSLROOTCERT/],
    [{ ...right, POSTGRES_PASSWORD: 'wrong' }, /refused the connection: password authentication failed/],
  ]
  for (const [env, said] of starts) {
    const { ended, output } = runMain(t, { ...settings, ...withoutTimeout, ...env, LOG_LEVEL: 'silent' })
    t.assert.strictEqual(await ended, 1)
    t.assert.match(output(), said)
    t.assert.strictEqual(output().trimEnd().split('\n').length, 1, output())
  }
})

test('a server without TLS ends the start immediately', { skip: withoutOpenssl }, async (t: TestContext) => {
  const { administration, settings } = await openScene(t)
  await onServer(administration, 'alter system set ssl = off')
  await reload(administration)
  const { ended, output } = runMain(t, {
    ...settings,
    ...withoutTimeout,
    POSTGRES_SSLMODE: 'require',
    LOG_LEVEL: 'silent',
  })
  t.assert.strictEqual(await ended, 1)
  t.assert.match(
    output(),
    /^TLS to PostgreSQL at localhost:\d+ failed: The server does not support SSL connections\..*\n$/,
  )
})

test('the start warns of a PostgreSQL on another host without TLS', async (t: TestContext) => {
  const warned = /"level":"warn"[^\n]*PostgreSQL is on another host, without TLS: set POSTGRES_SSLMODE/
  // An address that is reserved for documentation, and the port of no server.
  for (const [POSTGRES_HOST, isWarned] of [
    ['192.0.2.1', true],
    ['127.0.0.1', false],
    ['localhost', false],
    ['/nowhere', false],
  ] as const) {
    const env = { POSTGRES_HOST, POSTGRES_PORT: '1', JWT_SECRET: secret, STARTUP_TIMEOUT: '0' }
    const { ended, output } = runMain(t, env)
    t.assert.strictEqual(await ended, 1)
    t.assert.strictEqual(warned.test(output()), isWarned, output())
  }
})

test('the start warns of a Redis on another host without TLS', async (t: TestContext) => {
  const warned = /"level":"warn"[^\n]*Redis is on another host, without TLS: set REDIS_TLS/
  for (const [settings, isWarned] of [
    [{ REDIS_HOST: '192.0.2.1' }, true],
    [{ REDIS_SENTINELS: '127.0.0.1:26379,192.0.2.1:26379' }, true],
    [{ REDIS_HOST: '192.0.2.1', REDIS_TLS: 'true' }, false],
    [{ REDIS_HOST: 'localhost' }, false],
    [{}, false],
  ] as const) {
    const postgres = { POSTGRES_HOST: '127.0.0.1', POSTGRES_PORT: '1', STARTUP_TIMEOUT: '0' }
    const { ended, output } = runMain(t, { ...postgres, ...settings, JWT_SECRET: secret })
    t.assert.strictEqual(await ended, 1)
    t.assert.strictEqual(warned.test(output()), isWarned, output())
  }
})

test('a service and its commands work over TLS only', { skip: withoutOpenssl }, async (t: TestContext) => {
  const { authority, server, administration } = await openScene(t)
  const credentials = `${server.user}:${encodeURIComponent(password)}`
  const query = `sslmode=verify-full&sslrootcert=${encodeURIComponent(authority.cert)}&channel_binding=require`
  const DATABASE_URL = `postgres://${credentials}@localhost:${server.port}/shop?${query}`
  const command = async (...args: string[]) => {
    const { ended, output } = run(t, process.execPath, ['bin/stockroom.js', ...args], { DATABASE_URL })
    t.assert.strictEqual(await ended, 0, output())
    return output()
  }
  t.assert.match(await command('migrate', 'up'), /applied: Migration/)
  t.assert.match(await command('manager', 'list', '--json'), /\[\]/)
  const folder = await temporaryFolder(t)
  const files = { DATABASE_URL_FILE: join(folder, 'database'), JWT_SECRET_FILE: join(folder, 'jwt') }
  await writeFile(files.DATABASE_URL_FILE, DATABASE_URL)
  await writeFile(files.JWT_SECRET_FILE, `${secret}\n`)
  const DATA_DIR = join(folder, 'data')
  const service = await startService(t, { ...files, WEB_CONCURRENCY: '2', DATA_DIR })
  // The workers that replace others get what was read at the start.
  await rm(files.JWT_SECRET_FILE)
  const headers = { ...(await signInAt(service.url, 'ada@example.com')), ...json }
  const body = JSON.stringify({ name: 'Tea', category: 'Grocery', price_usd: 4.99, in_stock: true })
  t.assert.strictEqual((await fetch(`${service.url}/items`, { method: 'POST', headers, body })).status, 201)
  const list = (await (await fetch(`${service.url}/items`, { headers })).json()) as object
  t.assert.strictEqual(Object.keys(list).length, 1)
  const { rows } = await onServer(
    administration,
    `select count(*)::int as connections, bool_and(ssl) as "isEncrypted"
     from pg_stat_activity join pg_stat_ssl using (pid) where usename = 'ada'`,
  )
  t.assert.ok(!existsSync(DATA_DIR), 'an embedded server was started')
  t.assert.ok(rows[0].connections > 2)
  t.assert.strictEqual(rows[0].isEncrypted, true)
  t.assert.ok(!service.output().includes(encodeURIComponent(password)) && !service.output().includes(password))
})

test('the key of a cancellation is not readable on the network', { skip: withoutOpenssl }, async (t: TestContext) => {
  const { server, administration } = await openScene(t)
  let heard = ''
  const proxy = await openProxy(server.port, (said) => (heard += said))
  closeAfter(t, () => proxy.close())
  const proxied = { ...server, port: proxy.port, host: '127.0.0.1', tls: { mode: 'require' } as const }
  const client = openClient(proxied)
  await client.connect()
  closeAfter(t, () => client.end())
  const running = client.query('select pg_sleep(3600)')
  const canceled = t.assert.rejects(running, { code: '57014' })
  // PostgreSQL ignores a cancellation that arrives before the statement.
  const sleeping = `select from pg_stat_activity where wait_event = 'PgSleep'`
  await until(async () => (await onServer(administration, sleeping)).rowCount === 1)
  await cancel(proxied, client)
  await canceled
  const { secretKey } = client as unknown as { secretKey: number }
  const key = Buffer.alloc(4)
  key.writeInt32BE(secretKey)
  t.assert.ok(heard.length > 0 && !heard.includes(key.toString('latin1')))
})

/** Until new connections have the configuration. */
async function reload(administration: Server): Promise<void> {
  const loaded = async () => (await onServer(administration, 'select pg_conf_load_time() as at')).rows[0].at as Date
  const before = await loaded()
  await onServer(administration, 'select pg_reload_conf()')
  await until(async () => (await loaded()) > before)
}
