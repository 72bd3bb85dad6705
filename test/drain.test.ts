import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { Client } from 'pg'

import { testConfig } from './support/app.ts'
import { ask } from './support/ask.ts'
import { type Expected, load, openProxy } from './support/load.ts'
import { json, realStores, type Service, signInAt, startService } from './support/service.ts'

const item = { name: 'Green tea', category: 'Grocery', price_usd: 4.99, in_stock: true }
const tea = JSON.stringify(item)

test('SIGTERM under load fails no request that was accepted, of any of the processes', async (t: TestContext) => {
  const service = await startService(t, { ...(await stores(t)), WEB_CONCURRENCY: '2' })
  const headers = await signInAt(service.url, 'ada@example.com')
  const path = await createItem(service, headers)
  const loaded = load(questions(service.url, path, headers), AbortSignal.timeout(15_000))
  await sleep(500)
  const asked = performance.now()
  t.assert.strictEqual(await service.end('SIGTERM'), 0)
  const took = performance.now() - asked
  const { answered, failures } = await loaded
  t.diagnostic(`${JSON.stringify(answered)}, ended in ${Math.round(took)} ms`)
  t.assert.deepStrictEqual(failures, [])
  t.assert.ok(answered['GET'] && answered['POST'])
  t.assert.ok(took < 5_000, 'it does not wait for connections that nobody uses')
})

test('two services behind a proxy are replaced one after the other, and no request fails', async (t: TestContext) => {
  const env = await stores(t)
  const services = [await startService(t, env), await startService(t, env)] as [Service, Service]
  const headers = await signInAt(services[0].url, 'ada@example.com')
  const path = await createItem(services[0], headers)
  const { url, backends } = await openProxy(
    t,
    services.map((service) => service.url),
  )
  const over = new AbortController()
  const loaded = load(questions(url, path, headers), over.signal)
  for (const [index, old] of services.entries()) {
    const [fresh, code] = [await startService(t, env), await old.end('SIGTERM')]
    t.assert.strictEqual(code, 0)
    backends[index] = fresh.url
    await sleep(200)
  }
  over.abort()
  const { answered, failures } = await loaded
  t.diagnostic(JSON.stringify(answered))
  t.assert.deepStrictEqual(failures, [])
  t.assert.ok(answered['GET'] && answered['POST'])
})

test('connections that wait to be accepted at SIGTERM are served', async (t: TestContext) => {
  const service = await startService(t, await stores(t))
  process.kill(service.pid, 'SIGSTOP')
  const responses = Array.from({ length: 20 }, () =>
    ask({ url: `${service.url}/healthz`, headers: { connection: 'close' } }),
  )
  await sleep(300)
  const ended = service.end('SIGTERM')
  process.kill(service.pid, 'SIGCONT')
  for (const { status } of await Promise.all(responses)) t.assert.strictEqual(status, 200)
  t.assert.strictEqual(await ended, 0)
})

test('a write that runs at SIGTERM is finished, and nobody waits for its connection afterwards', async (t: TestContext) => {
  const { service, write, release } = await openStuck(t, {})
  const ended = service.end('SIGTERM')
  await sleep(300)
  await release()
  t.assert.strictEqual((await write)?.status, 201)
  const answeredAt = performance.now()
  t.assert.strictEqual(await ended, 0)
  t.assert.ok(performance.now() - answeredAt < 3_000)
})

test('what takes longer than SHUTDOWN_TIMEOUT is cut off', async (t: TestContext) => {
  const { service, write } = await openStuck(t, { SHUTDOWN_TIMEOUT: '1' })
  const asked = performance.now()
  t.assert.strictEqual(await service.end('SIGTERM'), 0)
  t.assert.ok(performance.now() - asked < 2_000)
  t.assert.strictEqual(await write, undefined)
})

test('for DRAIN_DELAY it takes requests and says that it ends', async (t: TestContext) => {
  const service = await startService(t, { ...(await stores(t)), DRAIN_DELAY: '1' })
  t.assert.strictEqual(await (await fetch(`${service.url}/readyz`)).text(), 'ready')
  const ended = service.end('SIGTERM')
  await sleep(300)
  const readiness = await fetch(`${service.url}/readyz`)
  t.assert.deepStrictEqual([readiness.status, await readiness.text()], [503, 'draining'])
  t.assert.strictEqual((await fetch(`${service.url}/openapi.json`, { headers: { connection: 'close' } })).status, 200)
  t.assert.strictEqual(await ended, 0)
})

/** Coverage and passwords would be most of the time of a start. */
async function stores(t: TestContext): Promise<Record<string, string>> {
  return { ...(await realStores(t)), NODE_V8_COVERAGE: '', BCRYPT_COST: '10' }
}

function questions(url: string, path: string, headers: Record<string, string>): Expected[] {
  return [
    { url: `${url}${path}`, headers, status: 200 },
    { method: 'POST', url: `${url}/items`, headers, body: item, status: 201 },
  ]
}

async function createItem({ url }: Service, headers: Record<string, string>): Promise<string> {
  const created = await fetch(`${url}/items`, { method: 'POST', headers: { ...json, ...headers }, body: tea })
  return created.headers.get('location') ?? ''
}

/** A service with a write at work that ends when it is released; undefined if it was cut off. */
async function openStuck(t: TestContext, env: Record<string, string>) {
  const client = new Client({ ...testConfig('public').postgres })
  await client.connect()
  t.after(() => client.end())
  const own = await stores(t)
  const service = await startService(t, { ...own, ...env })
  const headers = { ...json, ...(await signInAt(service.url, 'ada@example.com')) }
  await client.query(`begin; lock table "${own['POSTGRES_SCHEMA']}".items in share mode`)
  const write = fetch(`${service.url}/items`, { method: 'POST', headers, body: tea }).catch(() => undefined)
  await sleep(300)
  return { service, write, release: () => client.query('commit') }
}
