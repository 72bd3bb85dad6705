import { rmSync } from 'node:fs'
import { glob, mkdtemp } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { type EventData, run } from 'node:test'
import { spec } from 'node:test/reporters'
import { parseArgs } from 'node:util'

import { explain } from './support/explain.ts'
import { globalSetup, globalTeardown } from './support/global-setup.ts'

const usage = `Runs the tests on a private PostgreSQL and Redis.

Usage: npm test [-- options] [-- files]

  --test-name-pattern <pattern>  only tests whose names match this regular expression; may be given several times
  --help                         this

Files are paths of test files, for instance test/items/list/list.test.ts; without any, all of them run: first those in
process, then those of test/e2e/, which start processes.`

/** Milliseconds that one test may take. The slowest takes a fifth of that on a busy machine. */
const timeout = 120_000

/** The others wait most of the time, for processes to start and for timeouts. */
const concurrency = availableParallelism() + 1

const longestName = 72

const layers = [
  { title: 'Tests in process', has: (file: string) => !isEndToEnd(file) },
  { title: 'Tests that start processes', has: isEndToEnd },
]

function isEndToEnd(file: string): boolean {
  return relative('test/e2e', file)[0] !== '.'
}

/** The second layer runs although tests of the first one failed, so that one run tells of every failure. */
async function runLayers(given: string[], testNamePatterns: string[]): Promise<void> {
  const files = given.length > 0 ? given : (await Array.fromAsync(glob('test/**/*.test.ts'))).toSorted()
  const ran: (Result & { title: string })[] = []
  for (const { title, has } of layers) {
    const chosen = files.filter(has)
    if (chosen.length === 0) continue
    process.stdout.write(`\n${title}\n\n`)
    ran.push({ title, ...(await runTests(chosen, testNamePatterns)) })
  }
  process.stdout.write('\n')
  for (const { title, passed, failed, skipped, seconds } of ran)
    process.stdout.write(`${title}: ${passed} passed, ${failed} failed, ${skipped} skipped, in ${seconds} s\n`)
  const longNames = ran.flatMap((outcome) => outcome.longNames)
  for (const name of longNames) process.stdout.write(`Longer than ${longestName} characters: ${name}\n`)
  if (longNames.length > 0 || ran.every(({ tests }) => tests === 0) || ran.some(({ success }) => !success))
    process.exitCode = 1
}

interface Result {
  tests: number
  passed: number
  failed: number
  skipped: number
  seconds: number
  success: boolean
  longNames: string[]
}

async function runTests(files: string[], testNamePatterns: string[]): Promise<Result> {
  const longNames: string[] = []
  let summary: EventData.TestSummary | undefined
  const results = run({
    files,
    concurrency,
    timeout,
    ...(testNamePatterns.length > 0 && { testNamePatterns }),
    // A test that fails may leave a server or a connection behind, which would keep its file from ending.
    execArgv: ['--test-force-exit'],
  })
  results.on('test:pass', ({ name }) => name.length > longestName && longNames.push(name))
  // The last one is of all files.
  results.on('test:summary', (data) => (summary = data))
  for await (const text of results.compose(spec)) process.stdout.write(text)
  if (summary === undefined) throw new Error('The tests ended without a summary.')
  const { counts, success, duration_ms: ms } = summary
  const failed = counts.tests - counts.passed - counts.skipped - counts.todo
  return { ...counts, failed, success, seconds: Math.round(ms / 1000), longNames }
}

async function main(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      'test-name-pattern': { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return void process.stdout.write(`${usage}\n`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void globalTeardown().finally(() => process.exit(1)))
  }
  await globalSetup()
  // Compiled modules, with which a process starts a third faster. They would make coverage less exact.
  if (!process.env['NODE_V8_COVERAGE']) {
    const cache = await mkdtemp(join(tmpdir(), 'stockroom-compiled-'))
    process.env['NODE_COMPILE_CACHE'] = cache
    process.on('exit', () => rmSync(cache, { recursive: true, force: true }))
  }
  try {
    await runLayers(positionals, values['test-name-pattern'])
  } finally {
    await globalTeardown()
  }
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`${explain(error)}\n`)
  process.exitCode = 1
}
