import { test, type TestContext } from 'node:test'

import { pino } from 'pino'

import { ConnectionPool } from '../../src/database/pool.ts'
import { openSchema } from '../support/app.ts'
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
