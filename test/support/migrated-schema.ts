import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

import type { Migration } from '@mikro-orm/migrations'

const folder = join(import.meta.dirname, '../../src/database/migrations')
const variable = 'MIGRATED_SCHEMA'

/**
 * Leaves the statements of all migrations in the environment, where each test file finds them: to load and run the migrator
 * for each schema would be a fifth of what the tests take. That it does the same is a test of `migrations.test.ts`.
 */
export async function prepareSchema(): Promise<void> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.ts')).toSorted()
  const statements = ['create table mikro_orm_migrations (id serial primary key, name text, executed_at timestamptz)']
  for (const file of files) {
    const [Class] = Object.values<MigrationClass>(await import(join(folder, file)))
    if (!Class) throw new Error(`there is no migration in ${file}`)
    const migration = new Class()
    await migration.up()
    statements.push(...migration.getQueries().map(String))
    statements.push(`insert into mikro_orm_migrations (name, executed_at) values ('${migration.name}', now())`)
  }
  process.env[variable] = statements.map((statement) => `${statement.replace(/;\s*$/, '')};`).join('\n')
}

/** The statements that make a schema what the migrations make it. */
export function migratedSchema(): string {
  return process.env[variable] ?? ''
}

type MigrationClass = new () => Migration
