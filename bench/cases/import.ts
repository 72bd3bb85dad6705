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

/** Items that are there before, which requests beside an import read. */
const present = 1_000
const connections = 16

/** Milliseconds in which a process gives back what only its start needed. */
const rest = 1_500

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
  /** Milliseconds, alone and beside an import. */
  alone: number
  beside: number
  /** Whether what was exported, imported and exported again is the same. */
  isSame: boolean
}

export const importCase: Case = {
  name: 'import',
  title: 'POST /items/import, beside COPY from a client into the same table',
  // Each takes long enough to be measured once.
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
  await sleep(rest, undefined, { signal: bench.signal })
  const before = residentMiB(server.pid)
  resetPeak(server.pid)
  const imports = await importAll(bench, data, server)
  const growth = peakMiB(server.pid) - before
  progress.step('the same exported')
  const isSame = await isExported(server.url, data.token, fileOf(bench, 'exported'))
  await reset(bench, data)
  progress.step('reads')
  const alone = await p99(bench, server, data)
  progress.step('reads beside CSV')
  const importing = upload(server.port, fileOf(bench, 'csv'), {
    format: 'csv',
    rows: bench.plan.rows,
    token: data.token,
  })
  importing.catch(() => {})
  const beside = await p99(bench, server, data)
  await importing
  await server.stop()
  await reset(bench, data)
  return { copied, imports, growth, alone, beside, isSame }
}

/** @returns milliseconds of each kind, of which the last two leave the table with what was exported alone */
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

/** Leaves the items in the table that were there at first, or none. */
function reset({ stores }: Bench, { schema }: Dataset, isFilled = true): Promise<unknown> {
  return onServer(stores.postgres, schema, async (client) => {
    await client.query('truncate items; set session_replication_role = replica')
    if (isFilled) await client.query('insert into items table kept')
    await client.query('analyze items')
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

function importReport(rows: number, { copied, imports, growth, alone, beside, isSame }: Results) {
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
      atLeast(0.5, copied / (imports.get('CSV') ?? Number.NaN), '≥ 0.5 × the rows a second of COPY', '×'),
      atMost(128, growth, 'resident memory grows ≤ 128 MiB', 'MiB'),
      atMost(3, beside / alone, 'p99 of reads ≤ 3 × without the import', '×'),
      { bar: 'exported again, hostile names are byte for byte the same', figure: isSame ? 'yes' : 'no', met: isSame },
    ],
    notes: [
      `Reads over ${connections} connections: p99 ${short(alone)} ms alone, ${short(beside)} ms beside an import.`,
      ...(failed > 0 ? [`**${failed} imports did not write all rows**: they are not counted.`] : []),
    ],
  }
}
