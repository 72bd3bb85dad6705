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

test('it starts on nothing but a folder, and each of the signals ends it, the database included', async (t: TestContext) => {
  const folder = await temporaryFolder(t, 'stockroom with a space-')
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    const service = await startService(t, { DATA_DIR: folder })
    t.assert.equal((await fetch(`${service.url}/openapi.json`)).status, 200)
    const postmaster = await postmasterPid(folder)
    t.assert.ok(isAlive(postmaster))
    t.assert.match(service.output(), new RegExp(`documentation is at ${service.url}/scalar`))
    t.assert.equal(await service.end(signal), 0)
    t.assert.ok(!isAlive(postmaster))
  }
  t.assert.equal((await stat(join(folder, 'jwt-secret'))).mode & 0o777, 0o600, 'its secret is for its owner alone')
  t.assert.ok((await readFile(join(folder, 'jwt-secret'))).length >= 64)
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
  t.assert.equal(await second.end('SIGTERM'), 0)
})

test('a second start on the same folder says who serves from it, and leaves that one alone', async (t: TestContext) => {
  const folder = await temporaryFolder(t)
  const first = await startService(t, { DATA_DIR: folder })
  const second = runMain(t, { DATA_DIR: folder, PORT: '0' })
  t.assert.equal(await second.ended, 1)
  t.assert.ok(second.output().includes(`Process ${first.pid} serves from the folder ${folder} already.`))
  t.assert.equal((await fetch(`${first.url}/openapi.json`)).status, 200)
})

test('npm start can be ended by a signal to npm', async (t: TestContext) => {
  const folder = await temporaryFolder(t)
  const { child, ended, output } = run(t, 'npm', ['start'], { DATA_DIR: folder, PORT: '0' })
  await servingAt(output, ended)
  const postmaster = await postmasterPid(folder)
  child.kill('SIGTERM')
  await ended
  t.assert.ok(!isAlive(postmaster))
})

test('--help lists the settings and starts nothing; an unknown option is an error', async (t: TestContext) => {
  const help = runMain(t, {}, ['--help'])
  t.assert.equal(await help.ended, 0)
  t.assert.match(help.output(), /POSTGRES_HOST +host/)
  t.assert.match(help.output(), /PORT +port to listen on \[8000\]/)
  const typo = runMain(t, {}, ['--hlep'])
  t.assert.equal(await typo.ended, 1)
  t.assert.match(typo.output(), /There is no option --hlep/)
})

test('settings that do not fit end the start with one message that names them all', async (t: TestContext) => {
  const { ended, output } = runMain(t, { PORT: 'banana', JWT_ALGORITHM: 'none', POSTGRES_HOST: 'localhost' })
  t.assert.equal(await ended, 1)
  for (const name of ['PORT', 'JWT_ALGORITHM', 'JWT_SECRET']) t.assert.match(output(), new RegExp(`^  ${name} `, 'm'))
  t.assert.ok(!output().includes('banana'))
  t.assert.ok(!output().includes('    at '))
})

test('settings are read from .env, and those of the environment go before', async (t: TestContext) => {
  const folder = await temporaryFolder(t)
  await writeFile(join(folder, '.env'), 'PORT=banana\nLOG_LEVEL=banana\n')
  const { ended, output } = runMain(t, { PORT: '0' }, [], folder)
  t.assert.equal(await ended, 1)
  t.assert.match(output(), /LOG_LEVEL must be one of/)
  t.assert.ok(!output().includes('PORT must'))
})

test('a port in use ends the start with a message', async (t: TestContext) => {
  const server = createServer().listen(0, 'localhost')
  t.after(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const { ended, output } = runMain(t, { ...(await realStores(t)), PORT: String(port) })
  t.assert.equal(await ended, 1)
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
  t.assert.equal(await ended, 1)
  t.assert.match(output(), /Stockroom needs Node 26 or newer/)
})

test('six services that start at once on an empty schema all come up', async (t: TestContext) => {
  const env = await realStores(t, 'empty')
  const services = await Promise.all(Array.from({ length: 6 }, () => startService(t, env)))
  const headers = await signInAt(services[0]?.url ?? '', 'ada@example.com')
  for (const { url } of services) t.assert.equal((await fetch(`${url}/items`, { headers })).status, 200)
})

test('an old schema is refused when AUTO_MIGRATE is false', async (t: TestContext) => {
  const { ended, output } = runMain(t, { ...(await realStores(t, 'empty')), AUTO_MIGRATE: 'false' })
  t.assert.equal(await ended, 1)
  t.assert.match(output(), /The schema lacks 2 migration\(s\) and AUTO_MIGRATE is false/)
})

test('two processes serve one port, a dead one is replaced, and a signal ends all', async (t: TestContext) => {
  const service = await startService(t, { ...(await realStores(t)), WEB_CONCURRENCY: '2' })
  const headers = await signInAt(service.url, 'ada@example.com')
  const status = async () =>
    (await fetch(`${service.url}/items`, { headers: { ...headers, connection: 'close' } })).status
  const workers = childrenOf(service.pid)
  t.assert.equal(workers.length, 2)
  for (let request = 0; request < 6; request++) t.assert.equal(await status(), 200)

  process.kill(workers[0] ?? 0, 'SIGKILL')
  while (childrenOf(service.pid).filter((pid) => !workers.includes(pid)).length === 0) await sleep(20)
  t.assert.equal(await status(), 200)
  const replaced = childrenOf(service.pid)
  t.assert.equal(await service.end('SIGTERM'), 0)
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
