import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Bench, Case } from '../bench.ts'
import type { Dataset } from '../dataset.ts'
import { apply } from '../load.ts'
import { peakMiB, resetPeak, residentMiB } from '../processes.ts'
import { atLeast, atMost, count, median, short } from '../report.ts'
import type { RunningServer } from '../servers.ts'
import { onServer } from '../stores.ts'
import { copyIn, type Format, upload, writeRows } from '../upload.ts'

/** Items that are there before, which requests beside an import read. */
const present = 1_000
const connections = 16

/** Milliseconds in which a process gives back what only its start needed. */
const rest = 1_500

const manager = '01900000-0000-7000-8000-000000000000'

interface Kind {
  name: string
  format: Format
  query: string
}

const kinds: Kind[] = [
  { name: 'CSV', format: 'csv', query: '' },
  { name: 'NDJSON', format: 'ndjson', query: '' },
  { name: 'CSV with ids', format: 'csv-ids', query: '' },
  { name: 'the same again, nothing changed', format: 'csv-ids', query: '?mode=upsert' },
]

interface Results {
  /** Milliseconds. */
  copies: number[]
  imports: Map<string, number[]>
  /** MiB. */
  growth: number[]
  /** Milliseconds, alone and beside an import. */
  alone: number[]
  beside: number[]
}

export const importCase: Case = {
  name: 'import',
  title: 'POST /items/import, beside COPY from a client into the same table',
  seconds: ({ quick, fewRounds, rows }) => fewRounds * (6 + rows / (quick ? 8_000 : 14_000)),
  async run(bench) {
    const { rows, fewRounds } = bench.plan
    const data = await bench.datasets.of(present)
    await onServer(bench.stores.postgres, data.schema, (client) =>
      client.query('create table if not exists kept as table items'),
    )
    for (const format of ['copy', 'csv', 'csv-ids', 'ndjson'] as const) {
      await writeRows(fileOf(bench, format), format, rows, manager)
    }
    const results: Results = { copies: [], imports: new Map(), growth: [], alone: [], beside: [] }
    for (let round = 1; round <= fewRounds; round++) {
      await measureRound(bench, data, results, `round ${round} of ${fewRounds}`)
    }
    await reset(bench, data)
    for (const format of ['copy', 'csv', 'csv-ids', 'ndjson'] as const) await rm(fileOf(bench, format))
    return importReport(rows, results)
  },
}

function fileOf({ folder }: Bench, format: Format): string {
  return join(folder, `import-${format}`)
}

async function measureRound(bench: Bench, data: Dataset, results: Results, round: string): Promise<void> {
  const { rows } = bench.plan
  const step = (what: string) => bench.progress.step(`${what}, ${round}`)
  step('COPY')
  await reset(bench, data)
  results.copies.push(await copyIn(bench.stores, data.schema, fileOf(bench, 'copy')))
  await reset(bench, data)
  const server = await bench.servers.start('stockroom', data)
  await sleep(rest, undefined, { signal: bench.signal })
  const before = residentMiB(server.pid)
  resetPeak(server.pid)
  for (const { name, format, query } of kinds) {
    step(name)
    if (!query) await reset(bench, data)
    const options = { format, rows, token: data.token, query }
    const times = results.imports.get(name) ?? []
    results.imports.set(name, [...times, await upload(server.port, fileOf(bench, format), options)])
  }
  results.growth.push(peakMiB(server.pid) - before)
  await reset(bench, data)
  step('reads')
  results.alone.push(await p99(bench, server, data))
  step('reads beside CSV')
  const options = { format: 'csv' as const, rows, token: data.token }
  const importing = upload(server.port, fileOf(bench, 'csv'), options)
  importing.catch(() => {})
  results.beside.push(await p99(bench, server, data))
  await importing
  await server.stop()
}

/** Leaves the items in the table that were there at first. */
function reset({ stores }: Bench, { schema }: Dataset): Promise<unknown> {
  return onServer(stores.postgres, schema, async (client) => {
    await client.query(
      'truncate items; set session_replication_role = replica; insert into items table kept; analyze items',
    )
    await client.query('checkpoint')
  })
}

/** Milliseconds in which 99 of 100 reads by id are answered. */
async function p99(bench: Bench, { url }: RunningServer, { targets }: Dataset): Promise<number> {
  const seconds = bench.plan.quick ? 1 : 8
  const { tokens } = bench.datasets
  const outcome = await apply({ url, connections, seconds, targets, tokens, method: 'GET' }, bench.signal)
  return outcome.p99
}

function importReport(rows: number, { copies, imports, growth, alone, beside }: Results) {
  const limit = median(copies)
  const line = (name: string, time: number) => [name, short(time), short(rows / (time / 1000)), short(time / limit)]
  const times = kinds.map(({ name }) => [name, median(imports.get(name) ?? [])] as const)
  const csv = median(imports.get('CSV') ?? [])
  const failed = [...imports.values()].flat().filter(Number.isNaN).length
  return {
    tables: [
      {
        header: [`${count(rows)} rows`, 'ms', 'rows/s', '× COPY'],
        rows: [line('COPY', limit), ...times.map(([name, time]) => line(name, time))],
      },
    ],
    bars: [
      atLeast(0.5, limit / csv, '≥ 0.5 × the rows a second of COPY', '×'),
      atMost(128, median(growth), 'resident memory grows ≤ 128 MiB', 'MiB'),
      atMost(3, median(beside) / median(alone), 'p99 of reads ≤ 3 × without the import', '×'),
    ],
    notes: [
      `Reads over ${connections} connections: p99 ${short(median(alone))} ms alone, ${short(median(beside))} ms beside an import.`,
      ...(failed > 0 ? [`**${failed} imports did not write all rows**: they are not counted.`] : []),
    ],
  }
}
