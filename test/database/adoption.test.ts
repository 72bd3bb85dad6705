import { test, type TestContext } from 'node:test'

import { pino } from 'pino'

import { downgrade, ensureSchema, status, upgrade } from '../../src/database/migrate.ts'
import type { Server } from '../../src/database/server.ts'
import { onServer, openAppOn, testConfig } from '../support/app.ts'
import { ada, type Declaration, openFastApiSchema } from '../support/fastapi.ts'
import { tea } from '../support/fixtures.ts'
import { openTurkishDatabase } from '../support/turkish-database.ts'

const silent = pino({ level: 'silent' })

const declarations: Declaration['category'][] = ['enum of values', 'enum of names', 'varchar']

for (const category of declarations) {
  test(`FastAPI tables are adopted, with categories as ${category}`, async (t: TestContext) => {
    const { server, schema } = await openFastApiSchema(t, { category })
    await Promise.all(Array.from({ length: 4 }, () => ensureSchema(server, schema, true, silent)))
    t.assert.deepStrictEqual((await status(server, schema)).pending, [])

    const app = await openAppOn(t, server, testConfig(schema))
    const manager = await app.signIn('ada@example.com')
    t.assert.strictEqual(manager.id, ada)
    const items = Object.values<Item>((await manager.get('/items')).json()).map(plain)
    t.assert.deepStrictEqual(
      items.toSorted((a, b) => a.price_usd - b.price_usd),
      [
        { name: 'Sample', category: 'Pet', price_usd: 0, in_stock: true, store_manager_id: ada },
        { name: 'Soap', category: 'Personal Care', price_usd: 0.1, in_stock: false, store_manager_id: ada },
        { ...tea, store_manager_id: ada },
        { name: 'Drill', category: 'Home Improvement', price_usd: 131072.98, in_stock: true, store_manager_id: ada },
        { name: 'Yacht', category: 'Apparel', price_usd: 12_500_000, in_stock: true, store_manager_id: ada },
      ],
    )
    for (const [table, rows] of Object.entries({ alembic_version: 1, fastapi_items: 5, fastapi_store_managers: 1 })) {
      t.assert.strictEqual((await onServer(server, `select from ${schema}.${table}`)).rowCount, rows, table)
    }
  })
}

test('adopted tables have the indexes and constraints of new ones', async (t: TestContext) => {
  const { server, schema } = await openFastApiSchema(t)
  await upgrade(server, schema, silent)
  const adopted = await describe(server, schema)
  await onServer(server, `drop schema ${schema} cascade; create schema ${schema}`)
  await upgrade(server, schema, silent)
  t.assert.deepStrictEqual(adopted, await describe(server, schema))
})

test('reverting every migration restores the FastAPI tables', async (t: TestContext) => {
  const { server, schema } = await openFastApiSchema(t)
  const before = await describeAll(server, schema)
  await upgrade(server, schema, silent)
  while ((await downgrade(server, schema, silent)).length > 0);
  await onServer(server, `drop table ${schema}.mikro_orm_migrations`)
  t.assert.deepStrictEqual(await describeAll(server, schema), before)
  t.assert.strictEqual((await onServer(server, `select from ${schema}.items`)).rowCount, 5)
  await upgrade(server, schema, silent)
  t.assert.strictEqual((await onServer(server, `select from ${schema}.items`)).rowCount, 5)
})

const refused: [what: string, statement: string, said: RegExp][] = [
  [
    'addresses equal up to case',
    `insert into store_managers values (gen_random_uuid(), 'Other', 'ada@example.com', 'x')`,
    /Email addresses that differ only in case: (ada@example\.com and Ada@example\.com|Ada@example\.com and ada@example\.com)\. Correct/,
  ],
  [
    'a price that is no number',
    `update items set price_usd = 'NaN' where name = 'Soap'`,
    /Items whose .*: [0-9a-f-]{36}\. C/,
  ],
  [
    'a negative price',
    `update items set price_usd = -1`,
    /Items whose .*: ([0-9a-f-]{36}, ){4}[0-9a-f-]{36}\. Correct/,
  ],
  ['an empty name', `update items set name = '' where name = 'Soap'`, /Items whose .*: [0-9a-f-]{36}\. Correct/],
  [
    'a manager without a name',
    `update store_managers set name = ''`,
    new RegExp(`Managers without .*: ${ada}\\. Correct`),
  ],
]

for (const [what, statement, said] of refused) {
  test(`a FastAPI database with ${what} is refused unchanged`, async (t: TestContext) => {
    const { server, schema, run } = await openFastApiSchema(t)
    await run(statement)
    const before = await describeAll(server, schema)
    await t.assert.rejects(upgrade(server, schema, silent), (error: Error) => {
      t.assert.strictEqual(error.name, 'StartupError')
      t.assert.match(
        error.message,
        /^The tables of the FastAPI service cannot be taken over yet, and nothing has been changed\./,
      )
      t.assert.match(error.message, said)
      return true
    })
    const after = (await describeAll(server, schema)).filter((line) => !line.includes('mikro_orm'))
    t.assert.deepStrictEqual(after, before)
  })
}

test('adoption compares text the same in every database locale', async (t: TestContext) => {
  const server = await openTurkishDatabase(t)
  const { schema, run } = await openFastApiSchema(t, undefined, { server, schema: 'public' })
  await run(`insert into store_managers values
    (gen_random_uuid(), 'One', 'INFO@example.com', 'x'), (gen_random_uuid(), 'Other', 'info@example.com', 'x')`)
  await t.assert.rejects(
    upgrade(server, schema, silent),
    /Email addresses that differ only in case: INFO@example\.com and info@example\.com\. Correct/i,
  )
  // Two for Stockroom, and one for the index that its first migration makes.
  await run(`update store_managers set email = 'İNFO@example.com' where name = 'One'`)
  await t.assert.rejects(
    upgrade(server, schema, silent),
    /İNFO@example\.com and info@example\.com|info@example\.com and İNFO/,
  )
  await run(`update store_managers set email = 'other@example.com' where name = 'One'`)
  await run(`update items set category = 'STATIONERY'`)
  await upgrade(server, schema, silent)
  const { rows } = await onServer(server, `select distinct category from ${schema}.items`)
  t.assert.deepStrictEqual(rows, [{ category: 'Stationery' }])
})

interface Item {
  id: string
  name: string
  category: string
  price_usd: number
  in_stock: boolean
  store_manager_id: string
}

function plain({ id: _id, ...item }: Item): Omit<Item, 'id'> {
  return item
}

/** The schema in words, without tables that were set aside, and names that PostgreSQL makes up. */
async function describe(server: Server, schema: string): Promise<string[]> {
  return (await describeAll(server, schema)).filter((line) => !/fastapi_|alembic|_not_null/.test(line))
}

async function describeAll(server: Server, schema: string): Promise<string[]> {
  const { rows } = await onServer(
    server,
    `select format('%s.%s %s %s', table_name, column_name, udt_name, is_nullable) as line
       from information_schema.columns where table_schema = $1
     union all
     select format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
       from pg_constraint where connamespace = $1::regnamespace
     union all
     select indexdef from pg_indexes where schemaname = $1
     order by 1`,
    [schema],
  )
  return rows.map(({ line }: { line: string }) => line)
}
