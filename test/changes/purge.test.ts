import { test, type TestContext } from 'node:test'

import { sql } from 'kysely'

import { firstIdAt } from '../../src/changes/set-ids.ts'
import { openApp, type TestApp } from '../support/app.ts'
import { eventually, until } from '../support/until.ts'

const hour = 3_600_000
const day = 24 * hour

test('change sets older than HISTORY_DAYS are purged within an hour', async (t: TestContext) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const { context } = await openApp(t, { REDIS_HOST: '', HISTORY_DAYS: '30' })
  const older = firstIdAt(Date.now() - 30 * day - hour)
  const newer = firstIdAt(Date.now() - 30 * day + hour)
  // More than one statement deletes.
  await addSet(context, older, 10_001)
  await addSingle(context, firstIdAt(Date.now() - 31 * day))
  await addSet(context, newer, 2)
  t.mock.timers.tick(hour)
  t.assert.deepStrictEqual(
    await eventually(
      () => readSets(context),
      (sets) => sets.length < 2,
    ),
    [{ id: newer, entries: '2' }],
  )
  const { rows } = await sql`
    select count(*), (select purged_position from change_feed) from item_changes`.execute(context.db)
  t.assert.deepStrictEqual(rows, [{ count: '2', purged_position: '10001' }])
})

test('HISTORY_DAYS=0 keeps all change sets', async (t: TestContext) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const { context } = await openApp(t, { REDIS_HOST: '', HISTORY_DAYS: '0' })
  const { context: purged } = await openApp(t, { REDIS_HOST: '', HISTORY_DAYS: '1' })
  for (const each of [context, purged]) await addSet(each, firstIdAt(0), 1)
  t.mock.timers.tick(10 * hour)
  await until(async () => (await readSets(purged)).length === 0)
  t.assert.strictEqual((await readSets(context)).length, 1)
})

async function addSet({ db }: TestApp['context'], id: string, entries: number): Promise<void> {
  await sql`insert into change_sets (id, kind, source, created, updated, deleted)
    values (${id}, 'import', 'api', ${entries}, 0, 0)`.execute(db)
  await sql`
    insert into item_changes (item_id, change_set_id, kind, version, name, position, is_part)
    select gen_random_uuid(), ${id}, 'create', 1, 'Tea', number, true
    from generate_series(1, ${entries}::integer) as number`.execute(db)
}

/** The set of a request that writes one item. */
async function addSingle({ db }: TestApp['context'], id: string): Promise<void> {
  await sql`
    with entry as (
      insert into item_changes (item_id, change_set_id, kind, version, name)
      values (gen_random_uuid(), ${id}, 'create', 1, 'Tea') returning item_id)
    insert into change_sets (id, kind, source, created, updated, deleted, item_id)
    select ${id}, 'create', 'api', 1, 0, 0, item_id from entry`.execute(db)
}

async function readSets({ db }: TestApp['context']) {
  const query = sql<{ id: string; entries: string }>`
    select id, (select count(*) from item_changes where change_set_id = id) as entries from change_sets`
  return (await query.execute(db)).rows
}
