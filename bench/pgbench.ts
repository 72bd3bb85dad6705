import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { Bench } from './bench.ts'
import { exists, firstLine, run } from './commands.ts'
import { type Dataset, itemId } from './dataset.ts'
import type { Candidate, Sample } from './measure.ts'
import { cpuSeconds, cpuSecondsOfEnded } from './processes.ts'

// One prepared statement per request by PostgreSQL's own load generator: what the database does one at a time.

const columns = 'id, name, category, price_usd, in_stock, store_manager_id'
const owner = `'01900000-0000-7000-8000-000000000000'`
const anItem = '\\set n random(1, :rows)\n'

export const statements = {
  get: `${anItem}select ${columns} from items where id = ${itemId(':n')};\n`,
  post: `insert into items (${columns}) values (uuidv7(), 'Green tea, 100 bags', 'Grocery', 4.99, true, ${owner}) returning ${columns};\n`,
  patch: `${anItem}\\set cents random(100, 999)\nupdate items set price_usd = 5 + :cents / 1000.0 where id = ${itemId(':n')} returning ${columns};\n`,
}

const samplingRate = 0.1

/** Seconds in which its clients connect and read the catalog, and their statements are planned. A server has done that before. */
const warmUp = 3

/** Debian does not put it on the path. Undefined if it is not installed. */
export async function findPgbench(): Promise<string | undefined> {
  const installed = join(await firstLine('pg_config', ['--bindir']).catch(() => ''), 'pgbench')
  return [installed, 'pgbench'].find(exists)
}

/** Undefined if pgbench is missing. */
export async function pgbench(
  bench: Bench,
  data: Dataset,
  statement: keyof typeof statements,
  clients: number,
): Promise<Candidate[]> {
  const program = await findPgbench()
  if (program === undefined) return []
  const script = join(bench.folder, `${statement}.sql`)
  await writeFile(script, statements[statement])
  return [{ name: 'pgbench', measure: (seconds) => measure(bench, data, [program, script], clients, seconds) }]
}

async function measure(
  bench: Bench,
  data: Dataset,
  [program, script]: [string, string],
  clients: number,
  seconds: number,
): Promise<Sample> {
  const { host, port, user, database } = bench.stores.postgres
  const where = ['-h', host, '-p', String(port), '-U', user, database]
  const counts = ['-c', clients, '-j', Math.min(2, clients), '-D', `rows=${data.rows}`].map(String)
  const env = { ...process.env, PGOPTIONS: `-c search_path=${data.schema}` }
  const pgbenchFor = (...length: string[]) =>
    counted(bench, () =>
      run(program, ['-n', '-M', 'prepared', ...counts, ...length, '-f', script, ...where], bench.signal, env),
    )
  // Its clients connect again for each run, which a server does not: that time is subtracted.
  const connecting = await pgbenchFor('-t', '1')
  const log = ['-l', `--log-prefix=${join(bench.folder, 'pgbench-log')}`, `--sampling-rate=${samplingRate}`]
  const { output, own, postgres } = await pgbenchFor('-T', String(warmUp + Math.ceil(seconds)), ...log)
  const figure = (pattern: RegExp) => Number(pattern.exec(output)?.[1])
  const { rate, times } = await readLogs(bench.folder, Math.ceil(seconds))
  const at = (part: number) => times[Math.max(1, Math.ceil(times.length * part)) - 1] ?? Number.NaN
  const each = (used: number) => (used * 1e6) / figure(/actually processed: (\d+)/)
  return {
    rate,
    p50: at(0.5),
    p99: at(0.99),
    failed: figure(/failed transactions: (\d+)/) || 0,
    cpu: { server: each(own - connecting.own), postgres: each(postgres - connecting.postgres), redis: Number.NaN },
  }
}

/** Runs a program, and measures its CPU time and that of PostgreSQL. */
async function counted({ stores }: Bench, program: () => Promise<string>) {
  const { pid } = stores.postgres
  const before = { own: cpuSecondsOfEnded(), postgres: cpuSeconds(pid) }
  const output = await program()
  return { output, own: cpuSecondsOfEnded() - before.own, postgres: cpuSeconds(pid) - before.postgres }
}

/** @returns transactions a second and their sorted times in milliseconds, in the last `seconds`. Removes the logs. */
async function readLogs(folder: string, seconds: number): Promise<{ rate: number; times: number[] }> {
  const names = (await readdir(folder)).filter((name) => name.startsWith('pgbench-log'))
  const logged: { end: number; time: number }[] = []
  for (const name of names) {
    const lines = (await readFile(join(folder, name), 'utf8')).trimEnd().split('\n')
    for (const line of lines.filter(Boolean)) {
      const [, , time = 0, , second = 0, microsecond = 0] = line.split(' ').map(Number)
      logged.push({ end: second + microsecond / 1e6, time: time / 1000 })
    }
    await rm(join(folder, name))
  }
  const start = logged.reduce((last, { end }) => Math.max(last, end), 0) - seconds
  const times = logged.filter(({ end }) => end > start).map(({ time }) => time)
  return { rate: times.length / samplingRate / seconds, times: times.toSorted((one, other) => one - other) }
}
