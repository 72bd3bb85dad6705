import { readFileSync } from 'node:fs'
import { test, type TestContext } from 'node:test'

import { Client } from 'pg'

import { runIn, runSql } from '../../src/database/database.ts'
import { detectCitus } from '../../src/database/open-engine.ts'
import { clientConfig } from '../../src/database/server.ts'
import { onServer, openApp, openSchema } from '../support/app.ts'
import { onlyPlain, withoutCitus } from '../support/citus.ts'
import { closeAfter } from '../support/cleanup.ts'
import { tea } from '../support/fixtures.ts'

const script = readFileSync('deploy/citus.sql', 'utf8')

test(
  'deploy/citus.sql refuses a database without Citus',
  { skip: onlyPlain('this one has Citus') },
  async (t: TestContext) => {
    const { server, schema } = await openSchema(t)
    const run = onServer(server, `set search_path = ${schema}; ${script}`)
    await t.assert.rejects(run, { message: 'This database has no Citus, so nothing was changed.' })
    t.assert.strictEqual(await detectCitus(server, schema), false)
  },
)

test('deploy/citus.sql may be run again', { skip: withoutCitus }, async (t: TestContext) => {
  const { server, schema } = await openSchema(t)
  await onServer(server, `set search_path = ${schema}, public; ${script}`)
  t.assert.strictEqual(await detectCitus(server, schema), true)
  t.assert.strictEqual(await detectCitus(server, 'public'), false)
})

test('a copy begins after commits that nodes have prepared', { skip: withoutCitus }, async (t: TestContext) => {
  const { context, server } = await openApp(t)
  const { rows } = await onServer(server, 'select nodename, nodeport from pg_dist_node where groupid > 0 limit 1')
  const worker = new Client({ ...clientConfig(server), host: rows[0].nodename, port: rows[0].nodeport })
  await worker.connect()
  closeAfter(t, () => worker.end())
  const id = `citus_test_${process.pid}`
  await worker.query('begin; select pg_current_xact_id()')
  await worker.query(`prepare transaction '${id}'`)
  let isSettled = false
  const settling = context.pool.engine.settle(runIn(context.db)).then(() => (isSettled = true))
  for (let n = 0; n < 10; n++) await runSql(context.db, 'select pg_sleep(0.02)', [])
  t.assert.strictEqual(isSettled, false)
  await worker.query(`commit prepared '${id}'`)
  await settling
})

test('items and their history are committed in two phases', { skip: withoutCitus }, async (t: TestContext) => {
  const { signIn, server } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const commits = async () => Number((await onServer(server, 'select count(*) from pg_dist_transaction')).rows[0].count)
  const { id } = (await ada.post('/items', tea)).json()
  const writes = [
    () => ada.patch(`/items/${id}`, { price_usd: 3 }),
    () => ada.post('/items/bulk', { select: { ids: [id] }, change: { set: { in_stock: false } } }),
    () => ada.delete(`/items/${id}`),
  ]
  for (const write of writes) {
    const before = await commits()
    t.assert.ok([200, 204].includes((await write()).statusCode))
    t.assert.ok((await commits()) > before)
  }
})
