import { test, type TestContext } from 'node:test'

import { onServer, testConfig } from '../support/app.ts'
import { tea } from '../support/fixtures.ts'
import { disagreementsIn } from '../support/history.ts'
import { waitersOf } from '../support/lock-waits.ts'
import { schemaClient } from '../support/schema-client.ts'
import { json, realStores, signInAt, startService } from '../support/service.ts'
import { until } from '../support/until.ts'

const created = 1_000

test('kill -9 during the undo of an import undoes nothing', async (t: TestContext) => {
  const stores = await realStores(t)
  const { postgres } = testConfig('public')
  if (!postgres) throw new Error('run the tests with npm test, which starts a PostgreSQL')
  const schema = stores['POSTGRES_SCHEMA'] ?? ''
  const client = schemaClient(postgres, schema)
  await client.connect()
  t.after(() => client.end())
  const countItems = async () => (await client.query('select count(*)::integer as items from items')).rows[0].items
  const service = await startService(t, stores)
  const headers = await signInAt(service.url, 'ada@example.com')
  const send = (url: string, type: Record<string, string>, body?: string) =>
    fetch(url, { method: 'POST', headers: { ...headers, ...type }, ...(body !== undefined && { body }) })
  const { id } = (await (await send(`${service.url}/items`, json, JSON.stringify(tea))).json()) as { id: string }
  const lines = [`${id},Tea,Pet,1,true\n`, ...Array.from({ length: created }, (_, n) => `,Tea ${n},Pet,${n}.1,true\n`)]
  const csv = `id,name,category,price_usd,in_stock\n${lines.join('')}`
  const imported = await send(`${service.url}/items/import?mode=upsert`, { 'content-type': 'text/csv' }, csv)
  t.assert.strictEqual(imported.status, 200)
  const [set] = (await (await fetch(`${service.url}/changes`, { headers })).json()) as { id: string }[]
  const undoAt = (url: string) => send(`${url}/changes/${set?.id}/undo`, { 'idempotency-key': 'once' })

  // The undo deletes the items that were created, and waits to update the other one.
  await client.query('begin')
  await client.query('select from items where id = $1 for no key update', [id])
  const { processID } = client as unknown as { processID: number }
  const isWaiting = async () => ((await onServer(postgres, waitersOf(String(processID)))).rowCount ?? 0) > 0
  const cut = t.assert.rejects(undoAt(service.url))
  await until(isWaiting)
  await service.end('SIGKILL')
  await cut
  // PostgreSQL has noticed that the client is gone.
  await until(async () => !(await isWaiting()))
  await client.query('rollback')
  t.assert.strictEqual(await countItems(), 1 + created)
  t.assert.deepStrictEqual(await disagreementsIn(postgres, schema), [])

  const restarted = await startService(t, stores)
  t.assert.strictEqual((await undoAt(restarted.url)).status, 200)
  t.assert.strictEqual(await countItems(), 1)
  t.assert.deepStrictEqual(await disagreementsIn(postgres, schema), [])
})
