import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { onServer, testConfig } from '../support/app.ts'
import { isRefused } from '../support/http-client.ts'
import { metricsUrl, scrape } from '../support/metrics.ts'
import { realStores, type Service, signInAt, startService } from '../support/service.ts'
import { until } from '../support/until.ts'

const header = 'name,category,price_usd,in_stock\n'
/** More than the buffers of a connection hold. */
const exported = 80_000

test('an import and an export in progress at SIGTERM are completed', async (t: TestContext) => {
  const { service, headers } = await open(t, { SHUTDOWN_TIMEOUT: '3600' }, exported)
  const { sent, response } = await beginImport(service, headers)
  const download = await fetch(`${service.url}/items/export`, { headers })
  t.assert.strictEqual(download.status, 200)
  const ended = service.end('SIGTERM')
  await until(() => isRefused(service.url))
  // Idle connections are closed by then.
  await sleep(2_500)
  sent.end('Tea,Grocery,2,true\n')
  const imported = await response
  t.assert.deepStrictEqual([imported.statusCode, JSON.parse(await text(imported)).created], [200, 2])
  t.assert.strictEqual((await download.text()).trimEnd().split('\n').length, 1 + exported)
  t.assert.strictEqual(await ended, 0)
})

test('a draining service refuses new imports and exports, and ends feeds', async (t: TestContext) => {
  const { service, headers } = await open(t, { SHUTDOWN_TIMEOUT: '3600', DRAIN_DELAY: '3600' })
  const feed = await fetch(`${service.url}/changes/feed?since=now`, {
    headers: { ...headers, accept: 'text/event-stream' },
  })
  const running = await beginImport(service, headers)
  const ended = service.end('SIGTERM')
  t.assert.match(await feed.text(), /^retry: 1000\n[^]*\n: The service is stopping\. Connect again\.\n\n$/)
  const csv = {
    method: 'POST',
    headers: { ...headers, 'content-type': 'text/csv' },
    body: `${header}Tea,Grocery,2,true\n`,
  }
  for (const [path, init] of [
    ['/items/import', csv],
    ['/items/export', { headers }],
    ['/changes/feed?since=now', { headers }],
  ] as const) {
    const refused = await fetch(`${service.url}${path}`, init)
    t.assert.deepStrictEqual([refused.status, refused.headers.get('retry-after')], [503, '1'], path)
    t.assert.match(await refused.text(), /"code":"too_busy"/)
  }
  t.assert.strictEqual((await fetch(`${service.url}/items?limit=1`, { headers })).status, 200)
  running.sent.end()
  t.assert.strictEqual((await running.response).statusCode, 200)
  await service.end('SIGKILL')
  t.assert.strictEqual(await ended, 'SIGKILL')
})

async function open(t: TestContext, env: Record<string, string>, items = 0) {
  const stores = await realStores(t)
  const service = await startService(t, { ...stores, BCRYPT_COST: '10', METRICS_PORT: '0', ...env })
  const headers = await signInAt(service.url, 'ada@example.com')
  const { postgres } = testConfig('public')
  if (!postgres) throw new Error('run the tests with npm test, which starts a PostgreSQL')
  const schema = stores['POSTGRES_SCHEMA']
  await onServer(
    postgres,
    `insert into ${schema}.items (id, name, category, price_usd, in_stock, store_manager_id)
    select ('019a6f2b-7c1e-7b3a-8000-' || lpad(to_hex(n), 12, '0'))::uuid, rpad('Item ' || n, 50, '-'), 'Pet', 1, true,
      (select id from ${schema}.store_managers) from generate_series(1, ${items}) as n`,
  )
  return { service, headers }
}

/** An import that the service has begun to read, and not only asked for: it may still refuse what it has asked for. */
async function beginImport(
  { url, output }: Service,
  headers: { authorization: string },
): Promise<{ sent: ClientRequest; response: Promise<IncomingMessage> }> {
  const sent = request(`${url}/items/import`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'text/csv', expect: '100-continue' },
  })
  const response = once(sent, 'response').then(([received]: IncomingMessage[]) => received as IncomingMessage)
  sent.flushHeaders()
  await once(sent, 'continue')
  sent.write(`${header}Soap,Pet,1,true\n`)
  await until(async () => {
    const metrics = await scrape(metricsUrl(output()))
    return metrics.get('stockroom_semaphore_in_use{semaphore="import_uploads"}') === 1
  })
  return { sent, response }
}
