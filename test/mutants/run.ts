import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'

import { globalSetup, globalTeardown } from '../support/global-setup.ts'
import { hasRedisServer } from '../support/stores.ts'
import { type Catalog, readCatalog } from './catalog.ts'
import { type Mutant, UsageError } from './mutant.ts'
import { openProgress } from './progress.ts'
import { describe, problemsOf, summaryOf, writeReport } from './report.ts'
import { sample } from './sample.ts'
import { tryAll } from './trials.ts'
import { root } from './workplace.ts'

const standard = { sample: 70, seed: 'stockroom' }

const usage = `Makes mistakes in the source, one at a time in a copy of it, and tells which of them the tests notice.

Usage: npm run mutants [-- options]

  --only PATTERN   only mutants whose file, lines, or description match this regular expression
  --sample NUMBER  how many generated mutants are tried besides the written ones; ${standard.sample} if absent
  --seed TEXT      what the choice of those depends on
  --jobs NUMBER    how many are tried at a time; one less than there are processors if absent
  --list           list the mutants and try none
  --help           this

A whole run takes about half an hour and writes test/mutants/REPORT.md; others only print. It starts a PostgreSQL and a Redis
of its own, and ends them. It exits with 1 if fewer than 90 % are detected, if a mutant survives without a reason in
test/mutants/targets/, or if one with such a reason is detected.`

interface Options {
  only: RegExp | undefined
  sample: number
  seed: string
  jobs: number
}

function choose({ written, generated }: Catalog, { only, sample: count, seed }: Options): Mutant[] {
  const key = ({ before, after }: Mutant) => `${before}\n${after}`
  const chosen = [...written, ...sample(generated, count, seed, { key, group: ({ file }) => file })]
  const isWanted = ({ file, before, after, what = '' }: Mutant) =>
    only?.test([file, before, after, what].join('\n')) ?? true
  return chosen.filter(isWanted).toSorted((one, other) => (one.file < other.file ? -1 : Number(one.file > other.file)))
}

function readOptions(args: string[]) {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string' },
      sample: { type: 'string', default: String(standard.sample) },
      seed: { type: 'string', default: standard.seed },
      jobs: { type: 'string', default: String(Math.max(1, availableParallelism() - 1)) },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const { list, help, seed } = values
  const only = values.only === undefined ? undefined : new RegExp(values.only, 'i')
  const options = {
    only,
    seed,
    sample: toCount('sample', values.sample),
    jobs: Math.max(1, toCount('jobs', values.jobs)),
  }
  return { options, list, help }
}

function toCount(name: string, text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text)
  throw new UsageError(`--${name} must be a number, such as 20.`)
}

/** @returns the exit code */
async function main(args: string[]): Promise<number> {
  const { options, list, help } = readOptions(args)
  if (help) return print(usage)
  const mutants = choose(await readCatalog(root), options)
  if (mutants.length === 0) throw new UsageError('There is no such mutant. See npm run mutants -- --list')
  if (list) return print(mutants.map(describe).join('\n'))
  if (!hasRedisServer()) throw new UsageError('There is no redis-server on this machine: scripts/setup.sh installs it.')
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => stop.abort(new UsageError(`Ended early, by ${signal}.`)))
  const startedAt = performance.now()
  await globalSetup()
  try {
    const trials = await tryAll(mutants, options.jobs, openProgress(), stop.signal)
    const problems = problemsOf(trials)
    print([...problems, summaryOf(trials)].join('\n\n'))
    const { sample: count, seed, only } = options
    const isWhole = only === undefined && count === standard.sample && seed === standard.seed
    if (isWhole) await writeReport(trials, { sample: count, seed, minutes: (performance.now() - startedAt) / 60_000 })
    return problems.length > 0 ? 1 : 0
  } finally {
    await globalTeardown()
  }
}

function print(text: string): number {
  process.stdout.write(`${text}\n`)
  return 0
}

try {
  process.exit(await main(process.argv.slice(2)))
} catch (error) {
  const { name, code = '', message, stack = message } = error as NodeJS.ErrnoException
  process.stderr.write(`${name === 'UsageError' || code.startsWith('ERR_PARSE_ARGS') ? message : stack}\n`)
  process.exit(1)
}
