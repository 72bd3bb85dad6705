import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

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
} from './support/service.ts'

const tea = JSON.stringify({ name: 'Green tea', category: 'Grocery', price_usd: 4.99, in_stock: true })

test('it starts on nothing but a folder, a second start there is told so, and a signal ends all', async (t: TestContext) => {
  const folder = await temporaryFolder(t, 'stockroom with a space-')
  const service = await startService(t, { DATA_DIR: folder })
  const postmaster = await postmasterPid(folder)
  const second = runMain(t, { DATA_DIR: folder, PORT: '0' })
  t.assert.strictEqual(await second.ended, 1)
  t.assert.ok(second.output().includes(`Process ${service.pid} serves from the folder ${folder} already.`))
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

test('after kill -9 the next start has every answered write, and tokens go on working', async (t: TestContext) => {
  const folder = await temporaryFolder(t)
  const first = await startService(t, { DATA_DIR: folder })
  const headers = { ...json, ...(await signInAt(first.url, 'ada@example.com')) }
  const answered: string[] = []
  const write = async () => {
    for (;;) {
      const answer = await fetch(`${first.url}/items`, { method: 'POST', headers, body: tea })
      answered.push(((await answer.json()) as { id: string }).id)
    }
  }
  const writers = Promise.allSettled([write(), write(), write(), write()])
  while (answered.length < 50) await sleep(20)
  await first.end('SIGKILL')
  await writers

  const second = await startService(t, { DATA_DIR: folder })
  const items = (await (await fetch(`${second.url}/items`, { headers })).json()) as object
  t.assert.ok(answered.length >= 50)
  for (const id of answered) t.assert.ok(id in items)
  t.assert.strictEqual(await second.end('SIGTERM'), 0)
})

test('--help lists the settings and starts nothing; an unknown option is an error', async (t: TestContext) => {
  const help = runMain(t, {}, ['--help'])
  t.assert.strictEqual(await help.ended, 0)
  t.assert.match(help.output(), /POSTGRES_HOST +host/)
  t.assert.match(help.output(), /PORT +port to listen on \[8000\]/)
  const typo = runMain(t, {}, ['--hlep'])
  t.assert.strictEqual(await typo.ended, 1)
  t.assert.match(typo.output(), /There is no option --hlep/)
})

test('settings that do not fit end the start with one message that names them all', async (t: TestContext) => {
  const { ended, output } = runMain(t, { PORT: 'banana', JWT_ALGORITHM: 'none', POSTGRES_HOST: 'localhost' })
  t.assert.strictEqual(await ended, 1)
  for (const name of ['PORT', 'JWT_ALGORITHM', 'JWT_SECRET']) t.assert.match(output(), new RegExp(`^  ${name} `, 'm'))
  t.assert.ok(!output().includes('banana'))
  t.assert.ok(!output().includes('    at '))
})

test('settings are read from .env, and those of the environment go before', async (t: TestContext) => {
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

test('an old Node is told what is needed', async (t: TestContext) => {
  const old = 'data:text/javascript,Object.defineProperty(process.versions, "node", { value: "20.1.0" })'
  const { ended, output } = run(
    t,
    process.execPath,
    ['--import', old, '--import', './scripts/require-node.mjs', '--eval', '0'],
    {},
  )
  t.assert.strictEqual(await ended, 1)
  t.assert.match(output(), /Stockroom needs Node 26 or newer/)
})

test('six services that start at once on an empty schema all come up', async (t: TestContext) => {
  // Their coverage would be that of one, six times.
  const env = { ...(await realStores(t, 'empty')), NODE_V8_COVERAGE: '' }
  const services = await Promise.all(Array.from({ length: 6 }, () => startService(t, env)))
  const headers = await signInAt(services[0]?.url ?? '', 'ada@example.com')
  for (const { url } of services) t.assert.strictEqual((await fetch(`${url}/items`, { headers })).status, 200)
})

test('an old schema is refused when AUTO_MIGRATE is false', async (t: TestContext) => {
  const { ended, output } = runMain(t, { ...(await realStores(t, 'empty')), AUTO_MIGRATE: 'false' })
  t.assert.strictEqual(await ended, 1)
  t.assert.match(output(), /The schema lacks \d+ migration\(s\) and AUTO_MIGRATE is false/)
})

test('two processes serve one port, a dead one is replaced, and a signal ends all', async (t: TestContext) => {
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
})

async function postmasterPid(folder: string): Promise<number> {
  return Number.parseInt(await readFile(join(folder, 'postgres', 'postmaster.pid'), 'utf8'), 10)
}

function childrenOf(pid: number): number[] {
  const lines = execFileSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n')
  return lines
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([id = 0, parent]) => (parent === pid ? [id] : []))
}
