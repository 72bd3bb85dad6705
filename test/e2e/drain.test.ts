import { once } from 'node:events'
import type { Agent } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { Client } from 'pg'

import { testConfig } from '../support/app.ts'
import { tea } from '../support/fixtures.ts'
import { isRefused, openConnection, sendRequest } from '../support/http-client.ts'
import { type Expected, load, openProxy, openTally } from '../support/load.ts'
import { childrenOf, withoutProgram } from '../support/programs.ts'
import { isAlive, json, realStores, type Service, signInAt, startService } from '../support/service.ts'
import { eventually, until } from '../support/until.ts'

const body = JSON.stringify(tea)
const skip = withoutProgram('ps')

test('SIGTERM under load fails no accepted request of any process', async (t: TestContext) => {
  const service = await startService(t, { ...(await stores(t)), WEB_CONCURRENCY: '2' })
  const headers = await signInAt(service.url, 'ada@example.com')
  const path = await createItem(service, headers)
  const tally = openTally()
  const over = new AbortController()
  const loaded = load(questions(service.url, path, headers), over.signal, tally)
  await until(() => (tally.succeeded['GET'] ?? 0) > 50 && (tally.succeeded['POST'] ?? 0) > 50)
  t.assert.strictEqual(await service.end('SIGTERM'), 0)
  over.abort()
  await loaded
  t.diagnostic(JSON.stringify(tally.succeeded))
  t.assert.deepStrictEqual(tally.failures, [])
})

test('no worker ends connections before all have closed the port', { skip }, async (t: TestContext) => {
  const service = await startService(t, { ...(await stores(t)), WEB_CONCURRENCY: '2' })
  const [stalled = 0] = childrenOf(service.pid)
  const agents = [openConnection(), openConnection()]
  t.after(() => agents.forEach((agent) => agent.destroy()))
  const ask = (agent: Agent) => sendRequest({ url: `${service.url}/healthz`, agent })
  await Promise.all(agents.map(ask))
  process.kill(stalled, 'SIGSTOP')
  t.after(() => isAlive(stalled) && process.kill(stalled, 'SIGCONT'))
  const asked = agents.map((agent) => ({ agent, response: ask(agent) }))
  const { agent } = await Promise.race(asked.map((each) => each.response.then(() => each)))
  const ended = service.end('SIGTERM')
  for (let turn = 0; turn < 10; turn++) {
    await sleep(200)
    t.assert.strictEqual((await ask(agent)).headers.connection, 'keep-alive')
  }
  process.kill(stalled, 'SIGCONT')
  for (const { response } of asked) t.assert.strictEqual((await response).status, 200)
  t.assert.strictEqual(await ended, 0)
})

test('a shutdown does not wait for idle connections', async (t: TestContext) => {
  const service = await startService(t, { ...(await stores(t)), ...endless })
  const { hostname: host, port } = new URL(service.url)
  const unused = connect({ host, port: Number(port) })
  const used = connect({ host, port: Number(port) })
  t.after(() => [unused, used].forEach((client) => client.destroy()))
  used.write('GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n')
  await once(used, 'data')
  await endSoon(t, service)
})

test('a rolling restart behind a proxy fails no request', async (t: TestContext) => {
  const env = await stores(t)
  const services = [await startService(t, env), await startService(t, env)] as [Service, Service]
  const headers = await signInAt(services[0].url, 'ada@example.com')
  const path = await createItem(services[0], headers)
  const { url, backends, ready } = await openProxy(
    t,
    services.map((service) => service.url),
  )
  const over = new AbortController()
  const tally = openTally()
  const loaded = load(questions(url, path, headers), over.signal, tally)
  for (const [index, old] of services.entries()) {
    const fresh = await startService(t, env)
    const code = await old.end('SIGTERM')
    t.assert.strictEqual(code, 0)
    backends[index] = fresh.url
    await until(() => ready.has(fresh.url))
  }
  await until(() => tally.succeeded['GET'] && tally.succeeded['POST'])
  over.abort()
  await loaded
  t.diagnostic(JSON.stringify(tally.succeeded))
  t.assert.deepStrictEqual(tally.failures, [])
})

test('connections that wait to be accepted at SIGTERM are served', async (t: TestContext) => {
  const service = await startService(t, await stores(t))
  const { hostname: host, port } = new URL(service.url)
  process.kill(service.pid, 'SIGSTOP')
  const clients = Array.from({ length: 20 }, () => connect({ host, port: Number(port) }))
  const responses = clients.map((client) => text(client))
  const request = 'GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
  await Promise.all(clients.map((client) => new Promise((sent) => client.write(request, sent))))
  const ended = service.end('SIGTERM')
  process.kill(service.pid, 'SIGCONT')
  for (const response of await Promise.all(responses)) t.assert.match(response, /^HTTP\/1\.1 200 /)
  t.assert.strictEqual(await ended, 0)
})

test('a write in progress at SIGTERM finishes, then its connection ends', async (t: TestContext) => {
  const { service, write, release } = await openStuck(t, endless)
  const ended = endSoon(t, service)
  await until(() => isRefused(service.url))
  await release()
  t.assert.strictEqual((await write)?.status, 201)
  await ended
})

test('requests longer than SHUTDOWN_TIMEOUT are cut off', async (t: TestContext) => {
  const { service, write } = await openStuck(t, { SHUTDOWN_TIMEOUT: '1' })
  t.assert.strictEqual(await service.end('SIGTERM'), 0)
  // PostgreSQL would have ended the wait for the lock, and the write have gotten its response.
  t.assert.strictEqual(await write, undefined)
})

test('during DRAIN_DELAY requests are served and readiness is 503', async (t: TestContext) => {
  const service = await startService(t, { ...(await stores(t)), DRAIN_DELAY: '5' })
  t.assert.strictEqual(await (await fetch(`${service.url}/readyz`)).text(), 'ready')
  const ended = service.end('SIGTERM')
  const readiness = async () => {
    const answer = await fetch(`${service.url}/readyz`)
    return `${answer.status} ${await answer.text()}`
  }
  t.assert.strictEqual(await eventually(readiness, (said) => said !== '200 ready'), '503 draining')
  t.assert.strictEqual((await fetch(`${service.url}/openapi.json`, { headers: { connection: 'close' } })).status, 200)
  t.assert.strictEqual(await ended, 0)
})

/** Nothing is cut off. */
const endless = { SHUTDOWN_TIMEOUT: '3600' }

/** Ends a service, long before a client that keeps its connection closes it. */
async function endSoon(t: TestContext, service: Service): Promise<void> {
  const late = sleep(25_000, 'it still runs', { ref: false })
  t.assert.strictEqual(await Promise.race([service.end('SIGTERM'), late]), 0)
}

/** Coverage and passwords would be most of the time of a start. */
async function stores(t: TestContext): Promise<Record<string, string>> {
  return { ...(await realStores(t)), BCRYPT_COST: '10' }
}

function questions(url: string, path: string, headers: Record<string, string>): Expected[] {
  return [
    { url: `${url}${path}`, headers, status: 200 },
    { method: 'POST', url: `${url}/items`, headers, body: tea, status: 201 },
  ]
}

async function createItem({ url }: Service, headers: Record<string, string>): Promise<string> {
  const created = await fetch(`${url}/items`, { method: 'POST', headers: { ...json, ...headers }, body })
  return created.headers.get('location') ?? ''
}

/** A service with an active write that ends when it is released; undefined if it was cut off. */
async function openStuck(t: TestContext, env: Record<string, string>) {
  const client = new Client({ ...testConfig('public').postgres })
  await client.connect()
  t.after(() => client.end())
  const own = await stores(t)
  const service = await startService(t, { ...own, ...env })
  const headers = { ...json, ...(await signInAt(service.url, 'ada@example.com')) }
  await client.query(`begin; lock table "${own['POSTGRES_SCHEMA']}".items in share mode`)
  const write = fetch(`${service.url}/items`, { method: 'POST', headers, body }).catch(() => undefined)
  const waiting = `select from pg_locks where relation = '"${own['POSTGRES_SCHEMA']}".items'::regclass and not granted`
  await until(async () => (await client.query(waiting)).rowCount)
  return { service, write, release: () => client.query('commit') }
}
