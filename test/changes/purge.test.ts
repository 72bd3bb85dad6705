import { test, type TestContext } from 'node:test'

import { sql } from 'kysely'

import { firstIdAt } from '../../src/changes/set-ids.ts'
import { openApp, type TestApp } from '../support/app.ts'
import { eventually } from '../support/until.ts'

const hour = 3_600_000
const day = 24 * hour

test('change sets older than HISTORY_DAYS are purged within an hour', async (t: TestContext) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const { context } = await openApp(t, { REDIS_HOST: '', HISTORY_DAYS: '30' })
  const older = firstIdAt(Date.now() - 30 * day - hour)
  const newer = firstIdAt(Date.now() - 30 * day + hour)
  // More than one statement deletes.
  await addSet(context, older, 10_001)
  await addSet(context, newer, 2)
  t.mock.timers.tick(hour)
  t.assert.deepStrictEqual(
    await eventually(
      () => readSets(context),
      (sets) => sets.length < 2,
    ),
    [{ id: newer, entries: '2' }],
  )
  const { rows } = await sql<{ count: string }>`select count(*) from item_changes`.execute(context.db)
  t.assert.deepStrictEqual(rows, [{ count: '2' }])
})

test('HISTORY_DAYS=0 keeps all change sets', async (t: TestContext) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const { context } = await openApp(t, { REDIS_HOST: '', HISTORY_DAYS: '0' })
  await addSet(context, firstIdAt(0), 1)
  t.mock.timers.tick(10 * hour)
  t.assert.strictEqual((await readSets(context)).length, 1)
})

async function addSet({ db }: TestApp['context'], id: string, entries: number): Promise<void> {
  await sql`insert into change_sets (id, kind, source, created, updated, deleted)
    values (${id}, 'import', 'api', ${entries}, 0, 0)`.execute(db)
  await sql`insert into item_changes (item_id, change_set_id, kind, version, name)
    select gen_random_uuid(), ${id}, 'create', 1, 'Tea' from generate_series(1, ${entries}::integer)`.execute(db)
}

async function readSets({ db }: TestApp['context']) {
  const query = sql<{ id: string; entries: string }>`
    select id, (select count(*) from item_changes where change_set_id = id) as entries from change_sets`
  return (await query.execute(db)).rows
}
