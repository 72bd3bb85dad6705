import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Bench, Case } from '../bench.ts'
import type { Dataset } from '../dataset.ts'
import { apply } from '../load.ts'
import { peakMiB, resetPeak, residentMiB } from '../processes.ts'
import { atLeast, atMost, count, short } from '../report.ts'
import type { RunningServer } from '../servers.ts'
import { onServer } from '../stores.ts'
import { copyIn, type Format, isExported, upload, writeRows } from '../upload.ts'

/** Items that exist before, which requests read during an import. */
const present = 1_000
const connections = 16

/** Milliseconds in which a process frees the memory that only its start needed. */
const pauseMs = 1_500

const manager = '01900000-0000-7000-8000-000000000000'

interface Kind {
  name: string
  format: Format
  query?: string
}

const kinds: Kind[] = [
  { name: 'CSV', format: 'csv' },
  { name: 'NDJSON', format: 'ndjson' },
  { name: 'an export, into an empty table', format: 'exported' },
  { name: 'the same again, nothing changed', format: 'exported', query: '?mode=upsert' },
]
const formats: Format[] = ['copy', 'csv', 'ndjson', 'exported']

interface Results {
  /** Milliseconds. */
  copied: number
  imports: Map<string, number>
  /** MiB. */
  growth: number
  /** Milliseconds, alone and during an import. */
  alone: number
  during: number
  /** Whether an import of an export gives the same export. */
  isSame: boolean
}

export const importCase: Case = {
  name: 'import',
  title: 'POST /items/import, compared with COPY from a client into the same table',
  // Each takes long enough for one measurement.
  seconds: ({ quick, rows }) => 6 + rows / (quick ? 8_000 : 4_500),
  async run(bench) {
    const { rows } = bench.plan
    const data = await bench.datasets.of(present)
    await onServer(bench.stores.postgres, data.schema, (client) =>
      client.query('create table if not exists kept as table items'),
    )
    for (const format of formats) await writeRows(fileOf(bench, format), format, rows, manager)
    const results = await measure(bench, data)
    for (const format of formats) await rm(fileOf(bench, format))
    return importReport(rows, results)
  },
}

function fileOf({ folder }: Bench, format: Format): string {
  return join(folder, `import-${format}`)
}

async function measure(bench: Bench, data: Dataset): Promise<Results> {
  const { progress, stores } = bench
  progress.step('COPY')
  await reset(bench, data)
  const copied = await copyIn(stores, data.schema, fileOf(bench, 'copy'))
  const server = await bench.servers.start('stockroom', data)
  await sleep(pauseMs, undefined, { signal: bench.signal })
  const before = residentMiB(server.pid)
  resetPeak(server.pid)
  const imports = await importAll(bench, data, server)
  const growth = peakMiB(server.pid) - before
  progress.step('the same exported')
  const isSame = await isExported(server.url, data.token, fileOf(bench, 'exported'))
  await reset(bench, data)
  progress.step('reads')
  const alone = await p99(bench, server, data)
  progress.step('reads during CSV')
  const importing = upload(server.port, fileOf(bench, 'csv'), {
    format: 'csv',
    rows: bench.plan.rows,
    token: data.token,
  })
  importing.catch(() => {})
  const during = await p99(bench, server, data)
  await importing
  await server.stop()
  await reset(bench, data)
  return { copied, imports, growth, alone, during, isSame }
}

/** @returns milliseconds by kind; the last two leave the exported rows in the table */
async function importAll(bench: Bench, data: Dataset, { port }: RunningServer): Promise<Map<string, number>> {
  const times = new Map<string, number>()
  for (const { name, format, query } of kinds) {
    bench.progress.step(name)
    if (!query) await reset(bench, data, format !== 'exported')
    const options = { format, rows: bench.plan.rows, token: data.token, ...(query && { query }) }
    times.set(name, await upload(port, fileOf(bench, format), options))
  }
  return times
}

/** Restores the initial items of the table, or none. */
function reset({ stores }: Bench, { schema }: Dataset, isFilled = true): Promise<unknown> {
  return onServer(stores.postgres, schema, async (client) => {
    await client.query('truncate items; set session_replication_role = replica')
    if (isFilled) await client.query('insert into items table kept')
    await client.query('analyze items')
    await client.query('checkpoint')
  })
}

/** The 99th percentile of the time of reads by ID, in milliseconds. */
async function p99(bench: Bench, { url }: RunningServer, { targets }: Dataset): Promise<number> {
  const seconds = bench.plan.quick ? 1 : 8
  const { tokens } = bench.datasets
  const outcome = await apply({ url, connections, seconds, targets, tokens, method: 'GET' }, bench.signal)
  return outcome.p99
}

function importReport(rows: number, { copied, imports, growth, alone, during, isSame }: Results) {
  const line = (name: string, time: number) => [name, short(time), short(rows / (time / 1000)), short(time / copied)]
  const failed = [...imports.values()].filter(Number.isNaN).length
  return {
    tables: [
      {
        header: [`${count(rows)} rows`, 'ms', 'rows/s', '× COPY'],
        rows: [line('COPY', copied), ...[...imports].map(([name, time]) => line(name, time))],
      },
    ],
    bars: [
      atLeast(0.9, copied / (imports.get('CSV') ?? Number.NaN), '≥ 0.9 × the rows a second of COPY', '×'),
      atMost(128, growth, 'resident memory grows ≤ 128 MiB', 'MiB'),
      atMost(3, during / alone, 'p99 of reads ≤ 3 × without the import', '×'),
      { bar: 'exported again, hostile names are byte for byte the same', figure: isSame ? 'yes' : 'no', met: isSame },
    ],
    notes: [
      `Reads over ${connections} connections: p99 ${short(alone)} ms alone, ${short(during)} ms during an import.`,
      ...(failed > 0 ? [`**${failed} imports did not write all rows**: they are not counted.`] : []),
    ],
  }
}
