import { randomUUID } from 'node:crypto'

import bcrypt from 'bcrypt'

import type { Server } from '../../src/database/server.ts'
import { onServer, openSchema } from './app.ts'
import type { Cleanup } from './cleanup.ts'
import { password } from './fixtures.ts'

/** How SQLAlchemy may have declared the columns that differ between versions of the FastAPI service. */
export interface Declaration {
  category: 'enum of values' | 'enum of names' | 'varchar'
}

interface Place {
  server: Server
  schema: string
}

const values = [
  'Grocery',
  'Household',
  'Electronics',
  'Stationery',
  'Personal Care',
  'Apparel',
  'Home Improvement',
  'Pet',
]

export const ada = randomUUID()

/**
 * A schema with the tables of the FastAPI service and of Alembic, as their definitions make them, and rows as it writes them.
 *
 * @param place an empty schema to use, rather than one of its own
 */
export async function openFastApiSchema(
  t: Cleanup,
  { category }: Declaration = { category: 'enum of names' },
  place?: Place,
): Promise<Place & { run: (statement: string) => ReturnType<typeof onServer> }> {
  const { server, schema } = place ?? (await openSchema(t, 'empty'))
  const run = (statement: string) => onServer(server, `set search_path = ${schema}; ${statement}`)
  const stored = (value: string) => (category === 'enum of names' ? value.toUpperCase().replaceAll(' ', '_') : value)
  const labels = values.map((value) => `'${stored(value)}'`).join(', ')
  const hash = await bcrypt.hash(password, 4)
  await run(`
    create table alembic_version (version_num varchar(32) not null, constraint alembic_version_pkc primary key (version_num));
    insert into alembic_version values ('3f1c9a2b7d10');
    ${category === 'varchar' ? '' : `create type category as enum (${labels});`}
    create table store_managers (
      id uuid not null, name varchar(64) not null, email varchar not null, password_hash varchar not null,
      primary key (id), unique (email));
    create table items (
      id uuid not null, name varchar(64) not null, category ${category === 'varchar' ? 'varchar' : 'category'} not null,
      price_usd real not null, in_stock boolean not null, store_manager_id uuid not null,
      primary key (id), foreign key (store_manager_id) references store_managers (id));
    create index ix_items_name on items (name);
    insert into store_managers values ('${ada}', 'Ada Lovelace', 'Ada@example.com', '${hash}');
    insert into items values
      (gen_random_uuid(), 'Green tea', '${stored('Grocery')}', 4.99, true, '${ada}'),
      (gen_random_uuid(), 'Soap', '${stored('Personal Care')}', 0.1, false, '${ada}'),
      (gen_random_uuid(), 'Drill', '${stored('Home Improvement')}', 131072.98, true, '${ada}'),
      (gen_random_uuid(), 'Sample', '${stored('Pet')}', 0, true, '${ada}'),
      (gen_random_uuid(), 'Yacht', '${stored('Apparel')}', 12500000, true, '${ada}')`)
  return { server, schema, run }
}
