import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import bcrypt from 'bcrypt'
import type { Client } from 'pg'
import { pino } from 'pino'

import { openTokens } from '../src/auth/tokens.ts'
import { upgrade } from '../src/database/migrate.ts'
import { withoutIndexes } from '../test/support/bulk.ts'
import { run } from './commands.ts'
import type { Kind } from './kinds.ts'
import { onServer, secret, type Stores, storeSettings } from './stores.ts'

export const password = 'correct horse battery'

/** Managers that own equal numbers of items, and sessions of each, so that the token check has many tokens. */
const managers = 16
const sessions = 8

/** Up to this size a table has all its indexes. Larger ones serve only reads by ID and full lists, which need none of them. */
const mostIndexed = 1_000_000

/** Requests that a load chooses from at random. */
const sampleSize = 20_000

export interface Dataset {
  schema: string
  rows: number
  /** Random paths: a file of lines "number of a token" "path". */
  targets: string
  /** The same with the path of the full list, each token once. */
  collection: string
  /** The path of one item, and a token for it. */
  path: string
  token: string
}

export interface Datasets {
  /** A file with one token per line; those of manager m are the lines m * 8 + 1 to m * 8 + 8. */
  tokens: string
  /** A schema with `rows` items, created on first use. The version before has its own tables, and so its own schema. */
  of(rows: number, kind?: Kind): Promise<Dataset>
  /** The same for cases that write. */
  forWrites(kind?: Kind): Promise<Dataset>
  /** A separate schema with `rows` items for one case. */
  apart(schema: string, rows: number): Promise<Dataset>
  /** Adds `count` items to those of `forWrites`. @returns a file with the path of each */
  addTargets(count: number): Promise<string>
}

export async function openDatasets(
  stores: Stores,
  folder: string,
  signal: AbortSignal,
  before = '',
): Promise<Datasets> {
  const server = stores.postgres
  const tokens = join(folder, 'tokens')
  const list = await signAll()
  await writeFile(tokens, list.join('\n'))
  const hash = await bcrypt.hash(password, 12)
  const made = new Map<string, Promise<Dataset>>()
  let added = 0

  const migrate = async (schema: string, kind: Kind) => {
    if (kind !== 'before') {
      await upgrade(server, schema, pino({ level: 'silent' }))
      return
    }
    const env = { ...process.env, ...storeSettings(stores, schema) }
    await run('npm', ['--prefix', before, 'run', 'db:upgrade'], signal, env)
  }
  const open = (name: string, rows: number, kind: Kind = 'stockroom'): Promise<Dataset> => {
    const schema = kind === 'before' ? `${name}_before` : name
    const making = { schema, rows, hash, token: list[0] ?? '', migrate: () => migrate(schema, kind) }
    const dataset = made.get(schema) ?? make(stores, folder, making)
    made.set(schema, dataset)
    return dataset
  }
  return {
    tokens,
    of: (rows, kind) => open(`items_${rows}`, rows, kind),
    forWrites: (kind) => open('items_written', 100_000, kind),
    apart: open,
    async addTargets(count) {
      const { schema, rows } = await open('items_written', 100_000)
      const first = rows + added + 1
      added += count
      const targets = join(folder, 'targets-once')
      await onServer(server, schema, async (client) => {
        await withoutIndexes(client, () => insert(client, first, added + rows))
        const items = await client.query(`select ${target} as line from items where id >= ${itemId('$1::int')}`, [
          first,
        ])
        await writeTargets(targets, items.rows)
      })
      return targets
    },
  }
}

interface Making {
  schema: string
  rows: number
  hash: string
  token: string
  migrate: () => Promise<unknown>
}

async function make(
  { postgres: server }: Stores,
  folder: string,
  { schema, rows, hash, token, migrate }: Making,
): Promise<Dataset> {
  await onServer(server, 'public', (client) => client.query(`create schema ${schema}`))
  await migrate()
  return onServer(server, schema, async (client) => {
    await client.query(
      `insert into store_managers select ${managerId('n')}, 'Manager ' || n, 'manager' || n || '@example.com', $1
       from generate_series(0, ${managers - 1}) as n`,
      [hash],
    )
    await withoutIndexes(client, () => insert(client, 1, rows), rows <= mostIndexed)
    await client.query('vacuum analyze items')
    await client.query('checkpoint')
    const chosen = `select ${target} as line from items where random() < $1 order by random() limit ${sampleSize}`
    const { rows: items } = await client.query(chosen, [Math.min(1, (2 * sampleSize) / rows)])
    const targets = join(folder, `targets-${schema}`)
    await writeTargets(targets, items)
    const collection = join(folder, 'targets-collection')
    await writeTargets(
      collection,
      Array.from({ length: managers * sessions }, (_, index) => ({ line: `${index + 1} /items` })),
    )
    const ofFirst = items.find(({ line }: { line: string }) => line.startsWith('1 ')) ?? items[0]
    return { schema, rows, targets, collection, path: ofFirst.line.split(' ')[1], token }
  })
}

/** Rises like a UUIDv7, and has digits only, so that pgbench can compute it. */
export function itemId(n: string): string {
  return `('01' || lpad(${n}::text, 10, '0') || '-7000-8000-000000000000')::uuid`
}

/** The SQL expression of a manager's ID. */
function managerId(n: string): string {
  return `('01900000-0000-7000-8000-' || lpad((${n})::text, 12, '0'))::uuid`
}

/** As the service signs them. Of tokens that the original accepts as well, it would ask Redis for each request. */
function signAll(): Promise<string[]> {
  const tokens = openTokens({ secret, algorithm: 'HS256' })
  return Promise.all(
    Array.from({ length: managers * sessions }, async (_, index) => {
      const manager = String(Math.floor(index / sessions))
      const id = `01900000-0000-7000-8000-${manager.padStart(12, '0')}`
      return (await tokens.sign({ id, token_generation: 0 })).token
    }),
  )
}

/** A line of a target file: the number of a token of the item's owner, and the path. */
const target = `right(store_manager_id::text, 4)::int * ${sessions} + 1 + mod(abs(hashtext(id::text)), ${sessions})
  || ' /items/' || id`

async function insert(client: Client, first: number, last: number): Promise<void> {
  // The rows fit together, so no manager has to be looked up.
  await client.query('set session_replication_role = replica')
  await client.query(
    `insert into items select ${itemId('n')}, 'Item number ' || n,
       (array['Grocery', 'Household', 'Electronics', 'Pet'])[1 + n % 4], trim_scale((n % 100000) / 100.0), n % 3 > 0,
       ${managerId(`n % ${managers}`)}
     from generate_series(${first}, ${last}) as n`,
  )
}

async function writeTargets(path: string, items: { line: string }[]): Promise<void> {
  await writeFile(path, items.map(({ line }) => line).join('\n'))
}
