import { access, mkdtemp, rm, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

import { StartupError } from '../src/startup-error.ts'
import { explain } from '../test/support/explain.ts'
import type { Bench, Case } from './bench.ts'
import { cases } from './cases.ts'
import { run } from './commands.ts'
import { openDatasets } from './dataset.ts'
import { explainUnmet } from './explanations.ts'
import { describeMachine } from './machine.ts'
import { limits, type Options, planOf, readOptions } from './options.ts'
import { openProgress } from './progress.ts'
import type { Bar } from './report.ts'
import { barTable, markdownTable } from './report.ts'
import { openServers } from './servers.ts'
import { openStores } from './stores.ts'

const usage = `The benchmark of Stockroom, on a private PostgreSQL and Redis.

Usage: npm run bench [-- options]

  --only get,post   only these cases, by name or by the beginning of the name: ${cases.map(({ name }) => name).join(', ')}
  --against DIR     compares with another version, whose packages are installed in DIR (get, post, and patch)
  --quick           at most a minute: short, one round, small tables, no growth and history cases
  --help            print this help

A whole run takes at most 40 minutes and writes bench/RESULTS.md and the plots next to it; others only print.`

const here = fileURLToPath(new URL('.', import.meta.url))
/** statfs(2): the type of an in-memory file system, where nothing is durable. */
const tmpfs = 0x01021994

interface Result {
  title: string
  text: string
  bars: Bar[]
}

/** Runs the chosen cases and prints the results as Markdown. */
async function bench(options: Options, signal: AbortSignal, running: AsyncDisposableStack): Promise<void> {
  const chosen = choose(options)
  const isWhole = options.only.length === 0 && !options.quick
  const context = await open(options, isWhole, signal, running)
  const machine = await describeMachine(context.stores)
  const results: Result[] = []
  const left: string[] = []
  for (const [index, one] of chosen.entries()) {
    signal.throwIfAborted()
    const { elapsed, begin, pace } = context.progress
    if (elapsed() + one.seconds(context.plan) * pace() > (options.quick ? limits.quick : limits.whole)) {
      left.push(one.title)
      continue
    }
    begin(one, chosen.slice(index + 1))
    const result = await measure(one, context)
    results.push(result)
    print(`\n${result.text}`)
  }
  const summary = [
    barTable(results),
    ...explainUnmet(results.flatMap(({ bars }) => bars)),
    ...(left.length > 0 ? [`Skipped, because the time limit was reached: ${left.join('; ')}.`] : []),
  ]
  print(`\n## Bars\n\n${summary.join('\n\n')}\n\n${machine.join('\n')}`)
  if (isWhole) await writeResults(results, summary, machine, signal)
}

async function open(
  options: Options,
  isWhole: boolean,
  signal: AbortSignal,
  running: AsyncDisposableStack,
): Promise<Bench> {
  const plan = planOf(options)
  const before = await installed(options.against)
  const progress = openProgress(plan)
  progress.step('starting PostgreSQL and Redis')
  const folder = await mkdtemp(join(tmpdir(), 'stockroom-bench-'))
  running.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  if ((await statfs(folder)).type === tmpfs)
    progress.step(`${folder} is in memory: set TMPDIR to measure durable writes`)
  const stores = await openStores(folder, running)
  const datasets = await openDatasets(stores, folder, signal, before)
  const servers = openServers(stores, folder, running, signal, before)
  return {
    plan,
    folder,
    stores,
    datasets,
    servers,
    warm: new WeakSet(),
    progress,
    signal,
    plots: isWhole ? here : undefined,
  }
}

/** @throws StartupError if the other version or its packages are missing */
async function installed(folder: string | undefined): Promise<string | undefined> {
  if (folder === undefined) return undefined
  for (const needed of ['package.json', 'node_modules']) {
    await access(join(folder, needed)).catch(() => {
      throw new StartupError(`There is no ${needed} in ${folder}: check out the other version there, and run npm ci.`)
    })
  }
  return resolve(folder)
}

async function measure(one: Case, context: Bench): Promise<Result> {
  context.progress.step('begins')
  const { tables, bars, notes } = await one.run(context)
  const parts = [`### ${one.title}`, ...tables.map((table) => markdownTable(table)), ...notes]
  return { title: one.title, text: parts.join('\n\n'), bars }
}

async function writeResults(
  results: Result[],
  summary: string[],
  machine: string[],
  signal: AbortSignal,
): Promise<void> {
  const plots = ['get-connections', 'growth-get', 'growth-list'].map((name) => `![${name}](${name}.svg)`)
  const parts = [
    '# Results',
    `\`npm run bench\`, ${new Date().toISOString().slice(0, 10)}. Medians; the candidates took turns in every round.`,
    machine.map((line) => `- ${line}`).join('\n'),
    '`floor` is raw `node:http` with batched reads, `elysia` is Elysia on Bun with batched reads and inserts, `tuned` is what a team ' +
      'writes that measures, `usual` a straightforward implementation (all in `baselines/`), `pgbench` the same ' +
      'statements prepared, one per request; its own CPU is in the column "server". `without-history` is the service without change ' +
      'recording in its statements, and without the index of `updated_at`.',
    '## Bars',
    ...summary,
    '## Cases',
    ...results.map(({ text }) => text),
    '## Plots',
    ...plots,
  ]
  const file = join(here, 'RESULTS.md')
  await writeFile(file, `${parts.join('\n\n')}\n`)
  // The results are committed, and formatted like every file.
  await run(join(here, '../node_modules/.bin/oxfmt'), [file], signal)
}

function matches(name: string, wanted: string): boolean {
  return name === wanted || name.startsWith(`${wanted}-`)
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** @throws StartupError if there is no such case */
function choose({ only, quick }: Options): Case[] {
  if (only.length === 0) return cases.filter(({ name }) => !quick || !/^(?:growth|history)-/.test(name))
  const unknown = only.find((wanted) => !cases.some(({ name }) => matches(name, wanted)))
  if (unknown !== undefined) throw new StartupError(`There is no case ${unknown}. See npm run bench -- --help`)
  return cases.filter(({ name }) => only.some((wanted) => matches(name, wanted)))
}

async function main(args: string[]): Promise<void> {
  const options = readOptions(args)
  if (options.help) return print(usage)
  const stop = new AbortController()
  const stopped = new Promise<never>((_resolve, reject) => {
    stop.signal.addEventListener('abort', () => reject(new StartupError('Ended early.')))
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort())
  await using running = new AsyncDisposableStack()
  const work = bench(options, stop.signal, running)
  // After an interruption the next step fails, which need not be reported.
  work.catch(() => {})
  try {
    await Promise.race([work, stopped])
  } catch (error) {
    // Ends everything that waits for a child process or a download, even if the benchmark itself failed.
    stop.abort()
    throw error
  }
}

try {
  await main(process.argv.slice(2))
  process.exit()
} catch (error) {
  process.stderr.write(`${explain(error)}\n`)
  process.exit(1)
}
