import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { pino } from 'pino'

import { upgrade } from '../../src/database/migrate.ts'
import { onServer, openApp, openAppOn, openSchema, type TestApp, testConfig } from '../support/app.ts'
import { until } from '../support/until.ts'

test('the service is ready at the head schema, and says no more', async (t: TestContext) => {
  const { server, schema } = await openSchema(t, 'empty')
  const app = await openAppOn(t, server, testConfig(schema))
  const refused = await app.send({ url: '/readyz' })
  t.assert.strictEqual(refused.statusCode, 503)
  t.assert.strictEqual(refused.body, 'unavailable')
  t.assert.strictEqual(refused.headers['retry-after'], '1')
  await upgrade(server, schema, pino({ level: 'silent' }))
  await onServer(server, `delete from ${schema}.mikro_orm_migrations where id = 2`)
  await sleep(1_050)
  t.assert.deepStrictEqual(await readiness(app), [503, 'unavailable'])
  t.assert.deepStrictEqual(await storeReadiness(app), [503, 'unavailable'])
  t.assert.strictEqual((await app.send({ url: '/healthz' })).body, 'ok')
})

test('load balancers send requests once the schema was complete', async (t: TestContext) => {
  const app = await openApp(t)
  const { schema } = app.context.config.pool
  t.assert.deepStrictEqual(await readiness(app), [200, 'ready'])
  await onServer(app.server, `delete from ${schema}.mikro_orm_migrations where id = 2`)
  await until(async () => (await storeReadiness(app))[1] === 'unavailable')
  t.assert.deepStrictEqual(await readiness(app), [200, 'ready'])
  for (const method of ['GET', 'HEAD'] as const) {
    t.assert.strictEqual((await app.send({ method, url: '/readyz' })).statusCode, 200)
    t.assert.strictEqual((await app.send({ method, url: '/readyz?stores' })).statusCode, 503)
  }
  app.context.readiness.startDraining()
  t.assert.deepStrictEqual(await readiness(app), [503, 'draining'])
  t.assert.deepStrictEqual(await storeReadiness(app), [503, 'draining'])
})

test('the service is ready while every pool connection is taken', async (t: TestContext) => {
  const app = await openApp(t, { POSTGRES_POOL_SIZE: '1', POSTGRES_MAX_OVERFLOW: '1' })
  const taken = await Promise.all([1, 2].map(() => app.context.pool.connect()))
  await until(async () => (await storeReadiness(app))[0] === 200)
  for (const client of taken) client.release()
})

test('readiness queries PostgreSQL once a second at most', async (t: TestContext) => {
  const app = await openApp(t)
  const { schema } = app.context.config.pool
  const asked = async () => {
    await Promise.all(Array.from({ length: 60 }, () => storeReadiness(app)))
    const query = `select query_start from pg_stat_activity where query like $1 and pid <> pg_backend_pid()`
    return (await onServer(app.server, query, [`%"${schema}"."mikro_orm_migrations"`])).rows
  }
  const begun = performance.now()
  const starts = new Set<number>()
  while (starts.size < 3) for (const { query_start: start } of await asked()) starts.add(Number(start))
  t.assert.ok(starts.size <= 1 + (performance.now() - begun) / 1_000)
})

type Answer = [status: number, word: string]

async function readiness(app: TestApp, url = '/readyz'): Promise<Answer> {
  const { statusCode, body } = await app.send({ url })
  return [statusCode, body]
}

function storeReadiness(app: TestApp): Promise<Answer> {
  return readiness(app, '/readyz?stores')
}
