import { randomUUID } from 'node:crypto'
import { test, type TestContext } from 'node:test'

import { pino } from 'pino'

import { ConnectionPool } from '../../src/database/pool.ts'
import { openSchema } from '../support/app.ts'
import { onlyPlain } from '../support/citus.ts'
import { closeAfter } from '../support/cleanup.ts'

const options = { size: 1, overflow: 1, echo: false }

test('POSTGRES_PREPARED decides whether statements are prepared', async (t: TestContext) => {
  const { server, schema } = await openSchema(t, 'empty')
  const prepared = 'select name from pg_prepared_statements'
  for (const [setting, before, after] of [
    ['auto', 1, 0],
    ['true', 1, 1],
    ['false', 0, 0],
  ] as const) {
    const pool = new ConnectionPool(server, { ...options, schema, prepared: setting }, pino({ level: 'silent' }))
    closeAfter(t, () => pool.end())
    t.assert.strictEqual((await pool.query(prepared, [])).rows.length, before, setting)
    // As a pooler says that has moved the client to another session.
    await t.assert.rejects(pool.query('execute missing', []))
    t.assert.strictEqual((await pool.query(prepared, [])).rows.length, after, setting)
  }
})

const byKeys = onlyPlain('the planner of Citus needs the keys, which tell the node')

test('a prepared statement keeps its plan, and a slow one gets its own', { skip: byKeys }, async (t: TestContext) => {
  const { server, schema } = await openSchema(t)
  const pool = new ConnectionPool(server, { ...options, schema }, pino({ level: 'silent' }))
  closeAfter(t, () => pool.end())
  // With few keys, PostgreSQL would choose a new plan for each execution.
  for (let run = 0; run < 8; run++) await pool.query('select from items where id = any($1)', [[randomUUID()]])
  const plans = `select custom_plans from pg_prepared_statements where statement like 'select from items%'`
  t.assert.deepStrictEqual((await pool.query(plans, [])).rows, [{ custom_plans: '0' }])
  const { rows } = await pool.queryOnce('show plan_cache_mode', [])
  t.assert.deepStrictEqual(rows, [{ plan_cache_mode: 'auto' }])
  t.assert.deepStrictEqual((await pool.query('show plan_cache_mode', [])).rows, [
    { plan_cache_mode: 'force_generic_plan' },
  ])
})
