import { parseArgs } from 'node:util'

import { StartupError } from '../../src/startup-error.ts'
import { explain } from '../support/explain.ts'
import { hasRedisServer } from '../support/stores.ts'
import type { Fault } from './fault.ts'
import { faults } from './faults.ts'
import { openProgress } from './progress.ts'
import { openReport, type Row } from './report.ts'
import { runFault } from './scene.ts'

const usage = `Does to Stockroom, for real, what its promises are about, and counts what was broken.

Usage: npm run faults [-- options]

  --only redis,...  only these faults, or those whose names begin so
  --list            the names of all faults
  --help            this

A whole run takes at most 20 minutes and writes test/faults/REPORT.md, which lists the faults that this machine cannot run;
the others only print. It starts a PostgreSQL, a Redis
and processes of the service of its own, and ends them. It exits with 1 if any guarantee was broken.`

async function run(chosen: Fault[], stop: AbortSignal): Promise<Row[]> {
  const progress = openProgress(chosen.length)
  const rows: Row[] = []
  for (const fault of chosen) {
    if (fault.missing) {
      print(`${fault.name}: skipped, ${fault.missing}`)
      continue
    }
    progress.begin(fault)
    const row = await runFault(fault, fault.times, progress, stop)
    rows.push(row)
    progress.end(row)
  }
  return rows
}

/** @throws StartupError if there is no such fault */
function choose(only: string[]): Fault[] {
  const names = only.flatMap((list) => list.split(',')).filter((name) => name !== '')
  if (names.length === 0) return faults
  const matches = (name: string, wanted: string) => name === wanted || name.startsWith(`${wanted}-`)
  const unknown = names.find((wanted) => !faults.some(({ name }) => matches(name, wanted)))
  if (unknown !== undefined) throw new StartupError(`There is no fault ${unknown}. See npm run faults -- --list`)
  return faults.filter(({ name }) => names.some((wanted) => matches(name, wanted)))
}

function readOptions(args: string[]) {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string', multiple: true, default: [] },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  return values
}

/** @returns the exit code */
async function main(args: string[]): Promise<number> {
  const { only, list, help } = readOptions(args)
  if (help) return print(usage)
  if (list) return print(faults.map(({ name, title }) => `${name.padEnd(22)} ${title}`).join('\n'))
  const chosen = choose(only)
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => stop.abort(new StartupError('Ended early.')))
  if (!hasRedisServer())
    throw new StartupError('There is no redis-server on this machine: scripts/setup.sh installs it.')
  // An error that nothing awaits would leave all started processes behind.
  process.on('uncaughtException', (error) => stop.abort(error))
  const report = await openReport()
  const rows = await run(chosen, stop.signal)
  print(report.table(rows))
  if (chosen === faults)
    await report.write(
      rows,
      faults.filter(({ missing }) => missing),
    )
  return rows.some(({ broken }) => broken.length > 0) ? 1 : 0
}

function print(text: string): number {
  process.stdout.write(`${text}\n`)
  return 0
}

try {
  process.exit(await main(process.argv.slice(2)))
} catch (error) {
  process.stderr.write(`${explain(error)}\n`)
  process.exit(1)
}
