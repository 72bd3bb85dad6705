import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { readConfig } from '../../src/config/config.ts'
import { parseDatabaseUrl } from '../../src/config/database-url.ts'
import type { Server } from '../../src/database/server.ts'
import type { Bench, Case, CaseReport } from '../bench.ts'
import { type Dataset, openDatasets } from '../dataset.ts'
import type { Load } from '../load.ts'
import {
  type Candidate,
  failures,
  type Measured,
  medianOf,
  p50,
  p99,
  rate,
  ratioOf,
  type Sample,
  underLoad,
} from '../measure.ts'
import { count, median, short, type Table } from '../report.ts'
import type { RunningServer } from '../servers.ts'
import { onServer, secret } from '../stores.ts'
import { upload, writeRows } from '../upload.ts'

// The same service in two schemas of one coordinator, of which one is distributed. So the nodes' versions and settings are the same.

const url = process.env['TEST_CITUS_URL']
const names = ['plain', 'Citus'] as const
const manager = '01900000-0000-7000-8000-000000000000'
const item = '{"name":"Green tea, 100 bags","category":"Grocery","price_usd":4.99,"in_stock":true}'
const json = 'application/json'

type Name = (typeof names)[number]

/** What one of the two is measured with. */
interface Side {
  name: Name
  data: Dataset
  server: RunningServer
}

type Request = Pick<Load, 'connections' | 'method' | 'targets' | 'contentType' | 'body'>

const requests: Record<string, (data: Dataset) => Request> = {
  'GET, 1 connection': ({ targets }) => ({ connections: 1, method: 'GET', targets }),
  'GET, 64': ({ targets }) => ({ connections: 64, method: 'GET', targets }),
  'POST, 64': ({ collection: targets }) => ({
    connections: 64,
    method: 'POST',
    targets,
    contentType: json,
    body: item,
  }),
  'PATCH, 64': ({ targets }) => ({
    connections: 64,
    method: 'PATCH',
    targets,
    contentType: json,
    body: '{"price_usd":5.{n}}',
  }),
}

/** Only if the environment names a Citus cluster. */
export const citusCases: Case[] =
  url === undefined || url === ''
    ? []
    : [
        {
          name: 'citus',
          title: 'Items on Citus, compared with items on its coordinator alone',
          seconds: (plan) =>
            20 + 2 * Object.keys(requests).length * (plan.turns * 1.3 + 3) + (4 * plan.fewRows) / 5_000,
          run: (bench) => measure(bench, url),
        },
      ]

async function measure(bench: Bench, cluster: string): Promise<CaseReport> {
  const settings = parseDatabaseUrl(cluster)
  const { postgres } = readConfig({ ...settings, JWT_SECRET: secret })
  if (!postgres) throw new Error('a URI names a PostgreSQL')
  const schemas = names.map((name) => `bench_${name.toLowerCase()}`)
  await drop(postgres, schemas)
  try {
    const sides = await open(bench, postgres, settings)
    const loads: [string, Measured[]][] = []
    for (const [what, request] of Object.entries(requests)) {
      const candidates = sides.map(({ name, data, server }) =>
        underLoad(bench, name, server, async () => request(data)),
      )
      loads.push([what, await alternate(bench, what, candidates)])
    }
    const table = await importTable(bench, postgres, sides)
    for (const { server } of sides) await server.stop()
    return { tables: [loadTable(loads), table], bars: [], notes: loads.flatMap(([, measured]) => failures(measured)) }
  } finally {
    await drop(postgres, schemas)
  }
}

async function open(bench: Bench, postgres: Server, settings: Record<string, string>): Promise<Side[]> {
  const folder = join(bench.folder, 'citus')
  await mkdir(folder)
  const stores = { ...bench.stores, postgres: { ...bench.stores.postgres, ...postgres } }
  const datasets = await openDatasets(stores, folder, bench.signal)
  const sides: Side[] = []
  for (const name of names) {
    bench.progress.step(`${name}, filling`)
    const data = await datasets.apart(`bench_${name.toLowerCase()}`, bench.plan.fewRows)
    if (name === 'Citus') await distribute(postgres, data)
    sides.push({ name, data, server: await bench.servers.start('stockroom', data, settings) })
  }
  return sides
}

async function distribute(postgres: Server, { schema }: Dataset): Promise<void> {
  const script = await readFile('deploy/citus.sql', 'utf8')
  await onServer(postgres, `${schema},public`, async (client) => {
    await client.query(script)
    await client.query("select truncate_local_data_after_distributing_table('items')")
    await client.query('vacuum analyze items')
  })
}

function drop(postgres: Server, schemas: string[]): Promise<unknown> {
  return onServer(postgres, 'public', async (client) => {
    for (const schema of schemas) await client.query(`drop schema if exists ${schema} cascade`)
  })
}

/** As in other cases, but the cluster does not belong to this run, so its use of the cores disturbs no round. */
async function alternate(bench: Bench, what: string, candidates: Candidate[]): Promise<Measured[]> {
  const measured = candidates.map(({ name }): Measured => ({ name, samples: [] }))
  const rounds = bench.plan.turns
  for (let round = 0; round <= rounds; round++) {
    for (const [index, { name, measure: apply }] of candidates.entries()) {
      bench.progress.step(`${what}: ${name}, ${round === 0 ? 'warming up' : `round ${round} of ${rounds}`}`)
      const sample = await apply(round === 0 ? 2 : 1)
      if (round > 0) measured[index]?.samples.push(sample)
    }
  }
  return measured
}

function loadTable(loads: [string, Measured[]][]): Table {
  return {
    header: ['requests, connections', ...columns('requests/s'), ...columns('p50 ms'), ...columns('p99 ms'), '× plain'],
    rows: loads.map(([what, measured]) => [
      what,
      ...pairOf(measured, rate),
      ...pairOf(measured, p50),
      ...pairOf(measured, p99),
      short(ratioOf(measured, 'Citus', 'plain')),
    ]),
  }
}

async function importTable(bench: Bench, postgres: Server, sides: Side[]): Promise<Table> {
  const { fewRows: rows, fewRounds } = bench.plan
  const file = join(bench.folder, 'citus-import')
  await writeRows(file, 'csv', rows, manager)
  const speeds: Record<Name, number[]> = { plain: [], Citus: [] }
  for (let round = 1; round <= fewRounds; round++) {
    for (const { name, data, server } of sides) {
      bench.progress.step(`import: ${name}, round ${round} of ${fewRounds}`)
      await onServer(postgres, data.schema, (client) => client.query('truncate items'))
      speeds[name].push((rows * 1_000) / (await upload(server.port, file, { format: 'csv', rows, token: data.token })))
    }
  }
  const plain = median(speeds.plain)
  const citus = median(speeds.Citus)
  return {
    header: ['import', ...columns('rows/s'), '× plain'],
    rows: [[`${count(rows)} new rows`, short(plain), short(citus), short(citus / plain)]],
  }
}

function pairOf(measured: Measured[], figure: (sample: Sample) => number): string[] {
  return names.map((name) => short(medianOf(measured, name, figure)))
}

function columns(figure: string): string[] {
  return names.map((name) => `${name} ${figure}`)
}
