import { test, type TestContext } from 'node:test'

import { sql } from 'kysely'

import { withDatabase } from '../../src/operator/database.ts'
import { onServer, openSchema, testConfig } from '../support/app.ts'
import { until } from '../support/until.ts'

test('a statement of an interrupted command is canceled', async (t: TestContext) => {
  const { server, schema } = await openSchema(t)
  const stop = new AbortController()
  const running = `select from pg_stat_activity where query = 'select pg_sleep(60), ''${schema}''' and state = 'active'`
  const sleeping = withDatabase(testConfig(schema), stop.signal, async ({ db }) => {
    const slept = sql.raw(`select pg_sleep(60), '${schema}'`).execute(db)
    await until(async () => (await onServer(server, running)).rowCount === 1)
    stop.abort()
    return slept
  })
  await t.assert.rejects(
    sleeping,
    ({ cause }: Error) => (cause as Error).message === 'canceling statement due to user request',
  )
})
