import { availableParallelism } from 'node:os'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { parseArgs } from 'node:util'

import { explain } from './support/explain.ts'
import { globalSetup, globalTeardown } from './support/global-setup.ts'

const usage = `Runs the tests on a private PostgreSQL and Redis.

Usage: npm test [-- options] [-- files]

  --test-name-pattern <pattern>  only tests whose names match this regular expression; may be given several times
  --help                         this

Files are paths of test files, for instance test/items/list/list.test.ts; without any, all of them run.`

/** Milliseconds that one test may take. The slowest takes a fifth of that on a busy machine. */
const timeout = 120_000

/** The others wait most of the time, for processes to start and for timeouts. */
const concurrency = availableParallelism() + 1

async function runTests(files: string[], testNamePatterns: string[]): Promise<void> {
  const chosen = files.length > 0 ? { files } : { globPatterns: ['test/**/*.test.ts'] }
  let count = 0
  const results = run({
    ...chosen,
    concurrency,
    timeout,
    ...(testNamePatterns.length > 0 && { testNamePatterns }),
    // A test that fails may leave a server or a connection behind, which would keep its file from ending.
    execArgv: ['--test-force-exit'],
  })
  results.on('test:pass', () => count++)
  results.on('test:fail', () => (process.exitCode = 1))
  for await (const text of results.compose(spec)) process.stdout.write(text)
  if (count === 0) process.exitCode = 1
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
  try {
    await runTests(positionals, values['test-name-pattern'])
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
