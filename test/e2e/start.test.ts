import { once } from 'node:events'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { describeSettings } from '../../src/config/settings.ts'
import { onServer } from '../support/app.ts'
import { tea } from '../support/fixtures.ts'
import { postmasterPid } from '../support/postgres.ts'
import { childrenOf, withoutProgram } from '../support/programs.ts'
import { exchange } from '../support/raw-http.ts'
import { openRole } from '../support/role.ts'
import {
  isAlive,
  json,
  realStores,
  run,
  runMain,
  servingAt,
  signInAt,
  startService,
  temporaryFolder,
} from '../support/service.ts'

const created = JSON.stringify(tea)

test('a start needs only a folder, refuses a second, and ends by signal', async (t: TestContext) => {
  const folder = await temporaryFolder(t, 'stockroom with a space-')
  const service = await startService(t, { DATA_DIR: folder })
  const postmaster = await postmasterPid(folder)
  const second = runMain(t, { DATA_DIR: folder, PORT: '0' })
  t.assert.strictEqual(await second.ended, 1)
  t.assert.ok(second.output().includes(`Process ${service.pid} is already using ${folder}.`))
  t.assert.strictEqual((await fetch(`${service.url}/openapi.json`)).status, 200)
  t.assert.strictEqual(
    (await stat(join(folder, 'jwt-secret'))).mode & 0o777,
    0o600,
    'its secret is for its owner alone',
  )
  t.assert.ok((await readFile(join(folder, 'jwt-secret'))).length >= 64)
  t.assert.ok(isAlive(postmaster))
  t.assert.strictEqual(await service.end('SIGINT'), 0)
  t.assert.ok(!isAlive(postmaster))

  for (const [command, signal] of [
    ['node', 'SIGHUP'],
    ['npm', 'SIGTERM'],
  ] as const) {
    const env = { DATA_DIR: folder, PORT: '0' }
    const { child, ended, output } = command === 'npm' ? run(t, 'npm', ['start'], env) : runMain(t, env)
    await servingAt(output, ended)
    const again = await postmasterPid(folder)
    child.kill(signal)
    await ended
    t.assert.ok(!isAlive(again), `${signal} to ${command} ends the database as well`)
  }
})

test('a start after kill -9 has every acknowledged write and token', async (t: TestContext) => {
  const folder = await temporaryFolder(t)
  const first = await startService(t, { DATA_DIR: folder })
  const headers = { ...json, ...(await signInAt(first.url, 'ada@example.com')) }
  const ids: string[] = []
  const write = async () => {
    for (;;) {
      const answer = await fetch(`${first.url}/items`, { method: 'POST', headers, body: created })
      ids.push(((await answer.json()) as { id: string }).id)
    }
  }
  const writers = Promise.allSettled([write(), write(), write(), write()])
  while (ids.length < 50) await sleep(20)
  await first.end('SIGKILL')
  await writers

  const second = await startService(t, { DATA_DIR: folder })
  const items = (await (await fetch(`${second.url}/items`, { headers })).json()) as object
  t.assert.ok(ids.length >= 50)
  for (const id of ids) t.assert.ok(id in items)
  t.assert.strictEqual(await second.end('SIGTERM'), 0)
})

test('--help lists the settings; an unknown option is an error', async (t: TestContext) => {
  const help = runMain(t, {}, ['--help'])
  t.assert.strictEqual(await help.ended, 0)
  t.assert.ok(help.output().includes(describeSettings()))
  t.assert.match(help.output(), /PORT +port to listen on \[8000\]/)
  const typo = runMain(t, {}, ['--hlep'])
  t.assert.strictEqual(await typo.ended, 1)
  t.assert.match(typo.output(), /Unknown option --hlep/)
})

test('invalid settings end the start with one message naming them all', async (t: TestContext) => {
  const { ended, output } = runMain(t, { PORT: 'banana', JWT_ALGORITHM: 'none', POSTGRES_HOST: 'localhost' })
  t.assert.strictEqual(await ended, 1)
  for (const name of ['PORT', 'JWT_ALGORITHM', 'JWT_SECRET']) t.assert.match(output(), new RegExp(`^  ${name} `, 'm'))
  t.assert.ok(!output().includes('banana'))
  t.assert.ok(!output().includes('    at '))
})

test('settings are read from .env; the environment takes precedence', async (t: TestContext) => {
  const folder = await temporaryFolder(t)
  await writeFile(join(folder, '.env'), 'PORT=banana\nLOG_LEVEL=banana\n')
  const { ended, output } = runMain(t, { PORT: '0' }, [], folder)
  t.assert.strictEqual(await ended, 1)
  t.assert.match(output(), /LOG_LEVEL must be one of/)
  t.assert.ok(!output().includes('PORT must'))
})

test('a port in use ends the start with a message', async (t: TestContext) => {
  const server = createServer().listen(0, 'localhost')
  t.after(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const { ended, output } = runMain(t, { ...(await realStores(t)), PORT: String(port) })
  t.assert.strictEqual(await ended, 1)
  t.assert.match(output(), new RegExp(`Port ${port} is in use`))
})

test('an old Node gets a message with the version needed', async (t: TestContext) => {
  const old = 'data:text/javascript,Object.defineProperty(process.versions, "node", { value: "20.1.0" })'
  const { ended, output } = run(
    t,
    process.execPath,
    ['--import', old, '--import', './scripts/require-node.mjs', '--eval', '0'],
    {},
  )
  t.assert.strictEqual(await ended, 1)
  t.assert.match(output(), /Stockroom needs Node 24 or newer/)
})

test('six services start concurrently on an empty schema', async (t: TestContext) => {
  // Their coverage would be that of one, six times.
  const env = await realStores(t, 'empty')
  const services = await Promise.all(Array.from({ length: 6 }, () => startService(t, env)))
  const headers = await signInAt(services[0]?.url ?? '', 'ada@example.com')
  for (const { url } of services) t.assert.strictEqual((await fetch(`${url}/items`, { headers })).status, 200)
})

test('an old schema is refused when AUTO_MIGRATE is false', async (t: TestContext) => {
  const { ended, output } = runMain(t, { ...(await realStores(t, 'empty')), AUTO_MIGRATE: 'false' })
  t.assert.strictEqual(await ended, 1)
  t.assert.match(output(), /\d+ migration\(s\) are pending, and AUTO_MIGRATE is false/)
})

test(
  'two processes share a port, are replaced, and end by signal',
  { skip: withoutProgram('ps') },
  async (t: TestContext) => {
    const service = await startService(t, { ...(await realStores(t)), WEB_CONCURRENCY: '2' })
    const headers = await signInAt(service.url, 'ada@example.com')
    const status = async () =>
      (await fetch(`${service.url}/items`, { headers: { ...headers, connection: 'close' } })).status
    const workers = childrenOf(service.pid)
    t.assert.strictEqual(workers.length, 2)
    for (let request = 0; request < 6; request++) t.assert.strictEqual(await status(), 200)

    process.kill(workers[0] ?? 0, 'SIGKILL')
    while (childrenOf(service.pid).filter((pid) => !workers.includes(pid)).length === 0) await sleep(20)
    t.assert.strictEqual(await status(), 200)
    const replaced = childrenOf(service.pid)
    t.assert.strictEqual(await service.end('SIGTERM'), 0)
    for (const pid of replaced) t.assert.ok(!isAlive(pid))
  },
)

test('AUTO_MIGRATE=false needs a role that reads and writes rows alone', async (t: TestContext) => {
  const { role, schema, stores, server } = await openRole(t)
  const service = await startService(t, { ...stores, AUTO_MIGRATE: 'false' })
  const headers = await signInAt(service.url, 'ada@example.com')
  const call = async (method: string, path: string, body?: string, type = 'application/json') => {
    const options = body === undefined ? {} : { body, headers: { ...headers, 'content-type': type } }
    const answer = await fetch(`${service.url}${path}`, { method, headers, ...options })
    return { status: answer.status, text: await answer.text() }
  }
  const { id } = JSON.parse((await call('POST', '/items', created)).text)
  const csv = 'name,category,price_usd,in_stock\nSoap,Household,2.5,true\n'
  const statuses = [
    await call('POST', '/items/import', csv, 'text/csv'),
    await call('PATCH', `/items/${id}`, '{"price_usd": 5.49}'),
    await call('GET', '/items'),
    await call('GET', '/items?q=tea&limit=10'),
    await call('GET', '/items/summary'),
    await call('GET', '/items/export'),
    await call('DELETE', `/items/${id}`),
    await call('PATCH', '/store-managers/me', '{"name": "Grace"}'),
    await call('GET', '/readyz'),
    await call('POST', '/store-managers/logout'),
  ]
  t.assert.deepStrictEqual(
    statuses.map(({ status }) => status),
    [200, 200, 200, 200, 200, 200, 204, 200, 200, 200],
  )
  t.assert.strictEqual((await call('GET', '/items')).status, 401)
  for (const statement of [
    'create table x (id int)',
    'drop table items',
    'truncate items',
    'alter table items add x int',
  ]) {
    const refused = onServer(server, `set search_path = ${schema}; ${statement}`)
    await t.assert.rejects(refused, { code: '42501' }, `${role}: ${statement}`)
  }
})

test('the service starts without a temporary folder', async (t: TestContext) => {
  const service = await startService(t, { DATA_DIR: await temporaryFolder(t), TMPDIR: '/nonexistent' })
  t.assert.strictEqual(await service.end('SIGTERM'), 0)
})

test('the start logs its address and its database once', async (t: TestContext) => {
  const folder = await temporaryFolder(t)
  const embedded = await startService(t, { DATA_DIR: folder })
  const stores = await realStores(t)
  const own = await startService(t, stores)
  const lines = (output: string) =>
    output
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line))
  t.assert.ok(
    lines(embedded.output()).some((line) => line.folder === folder && line.msg.startsWith('using the embedded')),
  )
  const using = lines(own.output()).find((line) => line.msg === 'using PostgreSQL')
  t.assert.deepStrictEqual([using.host, using.database], [stores['POSTGRES_HOST'], stores['POSTGRES_DB']])
  const { port } = new URL(own.url)
  t.assert.strictEqual(
    own
      .output()
      .split('\n')
      .filter((line) => line.includes(port)).length,
    1,
  )
})

test('a started service refuses other host names and logs so', async (t: TestContext) => {
  const { url, output } = await startService(t, { ...(await realStores(t)), ALLOWED_HOSTS: '' })
  const port = Number(new URL(url).port)
  const statusFor = async (host: string) => {
    const [response] = await exchange(port, `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
    return response?.statusCode
  }
  t.assert.strictEqual(await statusFor('evil.example'), 421)
  t.assert.strictEqual(await statusFor(`localhost:${port}`), 307)
  t.assert.match(output(), /not in ALLOWED_HOSTS/)
})
