import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

import type { Client } from 'pg'
import { pino } from 'pino'

import { downgrade, ensureSchema, status, upgrade } from '../../src/database/migrate.ts'
import { createRevision } from '../../src/database/migrator.ts'
import type { Server } from '../../src/database/server.ts'
import { onServer, openSchema } from '../support/app.ts'
import { onlyPlain } from '../support/citus.ts'
import { commandsOf } from '../support/operations.ts'
import { schemaClient } from '../support/schema-client.ts'
import { until } from '../support/until.ts'

const undistributed = onlyPlain('the first migrations cannot be applied to distributed tables')

const silent = pino({ level: 'silent' })

test('upgrade, full downgrade, and upgrade give the same schema', { skip: undistributed }, async (t: TestContext) => {
  const { server, schema } = await openSchema(t)
  const before = await describe(server, schema)
  t.assert.ok(before.length > 20)
  await revertAll(server, schema)
  t.assert.deepStrictEqual(
    await describe(server, schema),
    ['mikro_orm_migrations'].flatMap((table) => before.filter((line) => line.includes(table))),
  )
  await upgrade(server, schema, silent)
  t.assert.deepStrictEqual(await describe(server, schema), before)
})

test('a downgrade and upgrade keep the rows of other tables', async (t: TestContext) => {
  const { server, schema } = await openSchema(t)
  const rows = async () => {
    const managers = await onServer(server, `select id, name, email, password_hash from ${schema}.store_managers`)
    const items = await onServer(
      server,
      `select id, name, category, price_usd, in_stock, store_manager_id from ${schema}.items order by id`,
    )
    return [managers.rows, items.rows]
  }
  await onServer(
    server,
    `insert into ${schema}.store_managers values (gen_random_uuid(), 'Ada', 'ada@example.com', 'x')`,
  )
  await onServer(
    server,
    `insert into ${schema}.items select gen_random_uuid(), 'Tea', 'Grocery', n / 100.0, true, id
       from ${schema}.store_managers, generate_series(1, 100) n`,
  )
  const before = await rows()
  t.assert.strictEqual(before[1]?.length, 100)
  t.assert.strictEqual((await downgrade(server, schema, silent)).length, 1)
  t.assert.deepStrictEqual(await rows(), before)
  t.assert.strictEqual((await upgrade(server, schema, silent)).length, 1)
  t.assert.deepStrictEqual(await rows(), before)
})

test('the migration of dates finds them if they were added beforehand', async (t: TestContext) => {
  const { server, schema } = await openSchema(t)
  const before = await describe(server, schema)
  const added = 'Migration20261126103225_feed_positions'
  while ((await status(server, schema)).applied.includes(added)) await downgrade(server, schema, silent)
  const statements = commandsOf('README.md', 'alter table items add created_at')
  const client = schemaClient(server, schema)
  await client.connect()
  for (const statement of statements.split(/(?<=;)\n/).filter((text) => text !== '')) await client.query(statement)
  const { rows } = await client.query("select 'items_updated_at_index'::regclass::oid as oid")
  await upgrade(server, schema, silent)
  t.assert.deepStrictEqual(await describe(server, schema), before)
  t.assert.deepStrictEqual((await client.query("select 'items_updated_at_index'::regclass::oid as oid")).rows, rows)
  await client.end()
})

test('an unchanged model creates no revision', async (t: TestContext) => {
  t.assert.strictEqual(await createRevision('nothing new'), undefined)
})

test('a revision has both directions and is named by its message', async (t: TestContext) => {
  const folder = await mkdtemp(join(tmpdir(), 'stockroom-migrations-'))
  t.after(() => rm(folder, { recursive: true }))
  await cp(fileURLToPath(new URL('../../src/database/migrations', import.meta.url)), folder, { recursive: true })
  const snapshot = join(folder, 'snapshot.json')
  const model = JSON.parse(await readFile(snapshot, 'utf8'))
  delete model.tables.find((table: { name: string }) => table.name === 'items').columns.in_stock
  await writeFile(snapshot, JSON.stringify(model))

  const path = (await createRevision('Add: "in stock"!', folder)) ?? ''
  t.assert.match(path, /Migration\d{14}_add_in_stock\.ts$/)
  const code = await readFile(path, 'utf8')
  t.assert.match(code, /up\(\)[^}]*alter table "items" add "in_stock" boolean not null;/)
  t.assert.match(code, /down\(\)[^}]*alter table "items" drop column "in_stock";/)
  t.assert.strictEqual(await createRevision('again', folder), undefined)
})

test('six concurrent upgrades apply each migration once', async (t: TestContext) => {
  const { server, schema } = await openSchema(t, 'empty')
  await Promise.all(Array.from({ length: 6 }, () => ensureSchema(server, schema, true, silent)))
  const { applied, pending } = await status(server, schema)
  t.assert.strictEqual(pending.length, 0)
  t.assert.strictEqual(new Set(applied).size, applied.length)
})

test('a migration that waits for a transaction blocks no requests', { skip: undistributed }, async (t: TestContext) => {
  const { server, schema } = await openSchema(t)
  const isAltered = async () =>
    (await status(server, schema)).applied.some((name) => name.endsWith('_token_generation'))
  while (await isAltered()) await downgrade(server, schema, silent)
  const long = await openWriter(t, server, schema)
  await long.query('begin; select from store_managers')
  const retry = { lockTimeoutMs: 200, delayMs: 200, attempts: 2 }
  await t.assert.rejects(upgrade(server, schema, silent, retry), { name: 'StartupError' })

  const { log, logger } = openLog()
  const upgraded = upgrade(server, schema, logger, { ...retry, attempts: 1_000 })
  await until(() => log.some((line) => line.includes('waiting for table locks')))
  await onServer(server, `set lock_timeout = '20s'; select from ${schema}.store_managers`)
  await long.query('rollback')
  t.assert.ok((await upgraded).length > 0)
  t.assert.deepStrictEqual((await status(server, schema)).pending, [])
})

test('a migration waits for tables in the order in which writers use them', async (t: TestContext) => {
  const { server, schema } = await openSchema(t)
  const writer = await openWriter(t, server, schema)
  for (const migrate of [downgrade, upgrade]) {
    await writer.query('begin; select from items')
    const { log, logger } = openLog()
    const migrated = migrate(server, schema, logger, { lockTimeoutMs: 30_000, delayMs: 200, attempts: 2 })
    const waiting = `select from pg_locks where relation = '${schema}.items'::regclass and not granted`
    await until(async () => (await onServer(server, waiting)).rowCount === 1)
    await writer.query('select from item_changes; select from change_sets; commit')
    t.assert.strictEqual((await migrated).length, 1)
    t.assert.ok(!log.some((line) => line.includes('waiting for table locks')), log.join(''))
  }
})

test('a migration that is in a deadlock starts over', async (t: TestContext) => {
  const { server, schema } = await openSchema(t)
  await downgrade(server, schema, silent)
  const writer = await openWriter(t, server, schema)
  await writer.query('begin; select from item_changes')
  const { log, logger } = openLog()
  const upgraded = upgrade(server, schema, logger, { lockTimeoutMs: 30_000, delayMs: 200, attempts: 2 })
  const waiting = `select from pg_locks where relation = '${schema}.item_changes'::regclass and not granted`
  await until(async () => (await onServer(server, waiting)).rowCount === 1)
  // PostgreSQL ends the transaction that has waited longer.
  await writer.query('select pg_advisory_xact_lock(hashtext($1))', [`stockroom migrations ${schema}`])
  await writer.query('rollback')
  t.assert.ok((await upgraded).length > 0)
  t.assert.ok(log.some((line) => line.includes('waiting for table locks')))
})

test('AUTO_MIGRATE=false refuses an old schema and accepts one at head', async (t: TestContext) => {
  const { server, schema } = await openSchema(t)
  await ensureSchema(server, schema, false, silent)
  const [name = ''] = await downgrade(server, schema, silent)
  await t.assert.rejects(ensureSchema(server, schema, false, silent), (error: Error) => {
    t.assert.strictEqual(error.name, 'StartupError')
    t.assert.ok(error.message.includes(name))
    t.assert.match(error.message, /npx --no-install stockroom migrate up/)
    return true
  })
  t.assert.deepStrictEqual((await status(server, schema)).pending, [name])
})

test('a schema newer than the code is served, with a warning', async (t: TestContext) => {
  const { server, schema } = await openSchema(t)
  await onServer(server, `insert into ${schema}.mikro_orm_migrations (name) values ('Migration29990101000000_later')`)
  const { log, logger } = openLog()
  await ensureSchema(server, schema, false, logger)
  t.assert.strictEqual(log.length, 1)
  t.assert.deepStrictEqual(JSON.parse(log[0] ?? '').unknown, ['Migration29990101000000_later'])
})

async function openWriter(t: TestContext, server: Server, schema: string): Promise<Client> {
  const writer = schemaClient(server, schema)
  await writer.connect()
  t.after(() => writer.end())
  return writer
}

function openLog() {
  const log: string[] = []
  return { log, logger: pino({}, { write: (line: string) => void log.push(line) }) }
}

async function revertAll(server: Server, schema: string): Promise<void> {
  while ((await downgrade(server, schema, silent)).length > 0);
}

/** Every column, constraint and index of the schema, in words. */
async function describe(server: Server, schema: string): Promise<string[]> {
  const { rows } = await onServer(
    server,
    `select format('%s.%s %s %s %s', table_name, column_name, data_type, is_nullable, column_default) as line
       from information_schema.columns where table_schema = $1
     union all
     select format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
       from pg_constraint where connamespace = $1::regnamespace
     union all
     select indexdef from pg_indexes where schemaname = $1
     order by 1`,
    [schema],
  )
  return rows.map(({ line }) => line)
}
