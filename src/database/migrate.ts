import { readdir } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Transaction } from '@mikro-orm/core'
import type { Client } from 'pg'
import type { Logger } from 'pino'

import { StartupError } from '../startup-error.ts'
import { type Database, runSql } from './database.ts'
import { migrationsFolder, migrationsTable, openOrm } from './migrator.ts'
import { explainRefusal } from './refusal.ts'
import { openClient, type Server } from './server.ts'

// All that need a table queue behind a migration that waits for its lock. So it waits briefly, and pauses before it retries.
const lockRetry = { lockTimeoutMs: 2_000, delayMs: 3_000, attempts: 20 }

/** A lock that was not granted in time, or would have been a deadlock with a writer. */
const locked = new Set(['55P03', '40P01'])

/** Raised if another process creates the same. */
const createdConcurrently = new Set(['23505', '42710', '42P06', '42P07'])

const raisedByMigration = 'P0001'

export interface Status {
  applied: string[]
  pending: string[]
  unknown: string[]
}

export function upgrade(server: Server, schema: string, log: Logger, retry = lockRetry): Promise<string[]> {
  return migrate(server, schema, log, (migrator, options) => migrator.up(options), retry)
}

export function downgrade(server: Server, schema: string, log: Logger, retry = lockRetry): Promise<string[]> {
  return migrate(server, schema, log, (migrator, options) => migrator.down(options), retry)
}

/** Does not load the migrator, which a start rarely needs. */
export async function status(server: Server, schema: string): Promise<Status> {
  const known = await knownMigrations()
  const applied = await withClient(server, schema, async (client) => {
    const { rows } = await client.query('select to_regclass($1) is not null as exists', [
      `${schema}.${migrationsTable}`,
    ])
    if (!rows[0].exists) return []
    const result = await client.query(`select name from "${schema}".${migrationsTable} order by id`)
    return result.rows.map((row: { name: string }) => row.name)
  })
  return {
    applied,
    pending: known.filter((name) => !applied.includes(name)),
    unknown: applied.filter((name) => !known.includes(name)),
  }
}

export async function isUpToDate(db: Database, schema: string): Promise<boolean> {
  const applied = await runSql<{ name: string }>(db, `select name from "${schema}"."${migrationsTable}"`, [])
  const names = new Set(applied.map(({ name }) => name))
  return (await knownMigrations()).every((name) => names.has(name))
}

export async function ensureSchema(server: Server, schema: string, auto: boolean, log: Logger): Promise<void> {
  const { pending, unknown } = await status(server, schema)
  if (unknown.length > 0) log.warn({ unknown }, 'the schema is newer than this version of the service')
  if (pending.length === 0) return
  if (!auto) {
    throw new StartupError(
      `${pending.length} migration(s) are pending, and AUTO_MIGRATE is false: ${pending.join(', ')}.\n` +
        'Apply them with: npx --no-install stockroom migrate up',
    )
  }
  await upgrade(server, schema, log)
}

async function knownMigrations(): Promise<string[]> {
  const names = (await readdir(migrationsFolder)).map((file) => /^(Migration\w+)\.[jt]s$/.exec(file)?.[1])
  return names.filter((name) => name !== undefined).toSorted()
}

type Migrator = Awaited<ReturnType<typeof openOrm>>['migrator']
type MigrateOptions = { transaction: Transaction }

async function migrate(
  server: Server,
  schema: string,
  log: Logger,
  run: (migrator: Migrator, options: MigrateOptions) => Promise<{ name: string }[]>,
  retry: typeof lockRetry,
): Promise<string[]> {
  const orm = await openOrm(server, schema)
  const { migrator, em } = orm
  migrator.on('migrating', ({ name }) => log.info({ name }, 'applying migration'))
  migrator.on('reverting', ({ name }) => log.info({ name }, 'reverting migration'))
  // Nothing outlives the transaction in a session that a pooler shares, not even the lock between processes that migrate.
  const runOnce = () =>
    em.transactional(async (transaction) => {
      await transaction.execute(`set local search_path = '${schema}'`)
      await transaction.execute('set local statement_timeout = 0')
      await transaction.execute('set local lock_timeout = 0')
      await transaction.execute('select pg_advisory_xact_lock(hashtext(?))', [`stockroom migrations ${schema}`])
      await transaction.execute(`set local lock_timeout = ${retry.lockTimeoutMs}`)
      return run(migrator, { transaction: transaction.getTransactionContext() })
    })
  try {
    await createHistory(migrator)
    const done = await retryLocked(runOnce, log, retry)
    return done.map(({ name }) => name)
  } catch (error) {
    throw explainRefusal(error, server, schema)
  } finally {
    await orm.close()
  }
}

// MikroORM creates its table on another connection, which a pooler may not have while processes that hold the lock wait for one.
async function createHistory(migrator: Migrator): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await migrator.getExecuted()
      return
    } catch (error) {
      const isConcurrent = createdConcurrently.has((error as { code?: string }).code ?? '')
      if (!isConcurrent || attempt >= createdConcurrently.size) throw error
    }
  }
}

/** All migrations are one transaction, so a retry starts over and frees the locks meanwhile. */
async function retryLocked<T>(run: () => Promise<T>, log: Logger, { delayMs, attempts }: typeof lockRetry): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run()
    } catch (error) {
      const { code = '' } = error as { code?: string }
      if (code === raisedByMigration) throw new StartupError(reasonOf(error as Error), { cause: error })
      if (!locked.has(code)) throw error
      if (attempt >= attempts) {
        throw new StartupError('Migrations timed out waiting for table locks held by other transactions.', {
          cause: error,
        })
      }
      log.warn({ attempt }, 'migration is waiting for table locks; will retry')
      await sleep(delayMs)
    }
  }
}

/** MikroORM puts the statement before the message. */
function reasonOf(error: Error): string {
  return error.cause instanceof Error ? error.cause.message : error.message
}

async function withClient<T>(server: Server, schema: string, use: (client: Client) => Promise<T>): Promise<T> {
  const client = openClient(server)
  await client.connect()
  try {
    return await use(client)
  } catch (error) {
    throw explainRefusal(error, server, schema)
  } finally {
    await client.end()
  }
}
