import { setTimeout as sleep } from 'node:timers/promises'

import { type Client } from 'pg'
import { pino } from 'pino'

import { downgrade, status, upgrade } from '../../src/database/migrate.ts'
import type { Bench, Case, CaseReport } from '../bench.ts'
import type { Dataset } from '../dataset.ts'
import type { Kind } from '../kinds.ts'
import { alternate, failures, ratioOf, throughputTable, underLoad } from '../measure.ts'
import type { Plan } from '../options.ts'
import { atLeast, atMost, count, median, short, type Table } from '../report.ts'
import { onServer } from '../stores.ts'
import { upload, writeRows } from '../upload.ts'

// The service, and the same without history in its statements, each on tables of its own.

const recording: Kind = 'stockroom'
const other: Kind = 'without-history'
const present = 100_000
const connections = 64
const manager = '01900000-0000-7000-8000-000000000000'
const firstMigration = 'Migration20261126073132_change_history'

const item = '{"name":"Green tea, 100 bags","category":"Grocery","price_usd":4.99,"in_stock":true}'

/** The cost of the history and of `sort=updated_at`. */
export const historyCases: Case[] = [
  writeCase('post', 'POST /items, 64 connections, with history and without', (data) => ({
    method: 'POST' as const,
    targets: data.collection,
    body: item,
  })),
  writeCase('patch', 'PATCH /items/{id}, 64 connections, with history and without', (data) => ({
    method: 'PATCH' as const,
    targets: data.targets,
    body: '{"price_usd":5.{n}}',
  })),
  {
    name: 'history-import',
    title: 'POST /items/import, with history and without',
    seconds: ({ rows, fewRounds, quick }) => 4 + (2 * (quick ? 1 : fewRounds) * rows) / 30_000,
    run: measureImport,
  },
  {
    name: 'history-migration',
    title: 'Migrations of the history',
    seconds: ({ rows }) => 5 + rows / 50_000,
    run: measureMigration,
  },
]

function writeCase(
  name: 'post' | 'patch',
  title: string,
  request: (data: Dataset) => { method: 'POST' | 'PATCH'; targets: string; body: string },
): Case {
  return {
    name: `history-${name}`,
    title,
    seconds: (plan) => 2 * (times(plan).rounds * 1.3 + times(plan).warm + 2),
    async run(bench) {
      const candidates = await Promise.all(
        [recording, other].map(async (kind) => {
          const data = await open(bench, kind)
          await forget(bench, data)
          const server = await bench.servers.shared(kind, data)
          const load = { connections, contentType: 'application/json', ...request(data) }
          return underLoad(bench, kind, server, async () => load)
        }),
      )
      const measured = await alternate(bench, candidates, times(bench.plan))
      const ratio = ratioOf(measured, recording, other)
      return {
        tables: [throughputTable(measured, [other]), await sizes(bench, await open(bench, recording))],
        bars: [atLeast(0.8, ratio, '≥ 0.8 × without history', '×')],
        notes: failures(measured),
      }
    },
  }
}

function times({ quick, turns }: Plan) {
  return { rounds: turns, seconds: 1, warm: quick ? 0 : 2 }
}

/** Tables without a history have no index for it either. */
async function open(bench: Bench, kind: Kind): Promise<Dataset> {
  const data = await bench.datasets.apart(`items_of_${kind.replace('-', '_')}`, present)
  if (kind === other)
    await onServer(bench.stores.postgres, data.schema, (client) =>
      client.query('drop index if exists items_updated_at_index'),
    )
  return data
}

async function measureImport(bench: Bench): Promise<CaseReport> {
  const { rows, fewRounds, quick } = bench.plan
  const file = `${bench.folder}/history-import`
  await writeRows(file, 'csv', rows, manager)
  const measured: Record<string, number[]> = { [recording]: [], [other]: [] }
  for (let round = 1; round <= (quick ? 1 : fewRounds); round++) {
    for (const kind of [recording, other]) {
      bench.progress.step(`${kind}, round ${round}`)
      const data = await open(bench, kind)
      const { port } = await bench.servers.shared(kind, data)
      await forget(bench, data, 'items')
      measured[kind]?.push(await upload(port, file, { format: 'csv', rows, token: data.token }))
    }
  }
  const ratio = median(
    (measured[recording] ?? []).map((time, round) => time / (measured[other]?.[round] ?? Number.NaN)),
  )
  const lines = Object.entries(measured).map(([kind, all]) => [kind, short(median(all)), all.map(short).join(', ')])
  return {
    tables: [
      { header: [`${count(rows)} rows`, 'ms', 'rounds'], rows: lines },
      await sizes(bench, await open(bench, recording)),
    ],
    bars: [atMost(1.3, ratio, 'time ≤ 1.3 × without history', '×')],
    notes: [],
  }
}

function forget({ stores }: Bench, { schema }: Dataset, ...others: string[]): Promise<unknown> {
  return onServer(stores.postgres, schema, async (client) => {
    await client.query(`truncate ${['change_sets', 'item_changes', ...others].join()}`)
    await client.query('vacuum analyze items')
    await client.query('checkpoint')
  })
}

/** The size of each table and index of the history per million entries. */
function sizes({ stores }: Bench, { schema }: Dataset): Promise<Table> {
  return onServer(stores.postgres, schema, async (client) => {
    const { rows } = await client.query<{ name: string; size: string }>(
      `select part.relname as name, pg_table_size(part.oid) as size
       from pg_class as owner join pg_class as part
         on part.oid = owner.oid or part.oid in (select indexrelid from pg_index where indrelid = owner.oid)
       where owner.oid in ('item_changes'::regclass, 'change_sets'::regclass)
       order by owner.relname desc, part.relkind desc, part.relname`,
    )
    const changes = await entries(client)
    const total = rows.reduce((sum, { size }) => sum + Number(size), 0)
    return {
      header: [`of ${count(changes)} changes`, 'MB per million'],
      rows: [
        ...rows.map(({ name, size }) => [`\`${name}\``, short(Number(size) / changes)]),
        ['together', short(total / changes)],
      ],
    }
  })
}

async function entries(client: Client): Promise<number> {
  const { rows } = await client.query<{ count: string }>('select count(*) from item_changes')
  return Number(rows[0]?.count)
}

/** Reverts the migrations of the history, and applies them again while another connection reads items. */
async function measureMigration(bench: Bench): Promise<CaseReport> {
  const { rows } = bench.plan
  const { postgres } = bench.stores
  const { schema } = await bench.datasets.apart('items_migrated', rows)
  const log = pino({ level: 'silent' })
  while ((await status(postgres, schema)).applied.includes(firstMigration)) await downgrade(postgres, schema, log)
  await onServer(postgres, schema, (client) => client.query('vacuum analyze items'))
  await onServer(postgres, schema, (client) => client.query('checkpoint'))
  const reading = new AbortController()
  const blocked = longestRead(bench, schema, reading.signal)
  const start = performance.now()
  await upgrade(postgres, schema, log)
  const took = performance.now() - start
  reading.abort()
  const index = await onServer(postgres, schema, (client) =>
    client.query<{ size: string }>("select pg_table_size('items_updated_at_index') as size"),
  )
  return {
    tables: [
      {
        header: [`${count(rows)} items`, 'figure'],
        rows: [
          ['migrations, ms', short(took)],
          ['longest read meanwhile, ms', short(await blocked)],
          ['`items_updated_at_index`, MB', short(Number(index.rows[0]?.size) / 1e6)],
        ],
      },
    ],
    bars: [],
    notes: [],
  }
}

/** The longest read until `signal`, in milliseconds. */
function longestRead({ stores }: Bench, schema: string, signal: AbortSignal): Promise<number> {
  return onServer(stores.postgres, schema, async (client) => {
    let longest = 0
    while (!signal.aborted) {
      const start = performance.now()
      await client.query('select name from items order by id limit 1')
      longest = Math.max(longest, performance.now() - start)
      await sleep(1)
    }
    return longest
  })
}
