import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'

import { explain } from './support/explain.ts'
import { findTestFiles } from './support/find-test-files.ts'
import { globalSetup, globalTeardown } from './support/global-setup.ts'
import { longestName, type Result, runAgain, runTests } from './support/run-tests.ts'

const usage = `Runs the tests on a private PostgreSQL and Redis.

Usage: npm test [-- options] [-- files]

  --test-name-pattern <pattern>  only tests whose names match this regular expression; may be given several times
  --help                         this

If at most three tests fail, each is run once more, alone. If they pass then, the run passes, and names them as flaky.
Files are paths of test files, of folders, or patterns, for instance test/items/list/list.test.ts, test/items, or
'test/**/list*'; without any, all of them run: first those in process, then those of test/e2e/, which start processes of the service or their own PostgreSQL and Redis.`

interface Layer {
  title: string
  has: (file: string) => boolean
  /** Loading the service takes a process a second, so files share processes. Few do, so that the last process ends soon. */
  filesPerProcess: number
  /** Whether coverage is measured, which slows processes down. The first layer covers every branch that has to be covered. */
  isMeasured: boolean
}

const layers: Layer[] = [
  { title: 'Tests in process', has: (file) => !isEndToEnd(file), filesPerProcess: 10, isMeasured: true },
  { title: 'Tests that start processes', has: isEndToEnd, filesPerProcess: 4, isMeasured: false },
]

function isEndToEnd(file: string): boolean {
  return relative('test/e2e', file)[0] !== '.'
}

/** The second layer runs although tests of the first one failed, so that one run tells of every failure. */
async function runLayers(files: string[], testNamePatterns: string[], folder: string): Promise<void> {
  const ran: (Result & { title: string })[] = []
  for (const { title, has, filesPerProcess, isMeasured } of layers) {
    const chosen = files.filter(has)
    if (chosen.length === 0) continue
    if (!isMeasured) delete process.env['NODE_V8_COVERAGE']
    // Compiled modules, with which a process starts a third faster. They would make coverage less exact.
    if (!process.env['NODE_V8_COVERAGE']) process.env['NODE_COMPILE_CACHE'] = join(folder, 'compiled')
    process.stdout.write(`\n${title}\n\n`)
    ran.push({ title, ...(await runTests(chosen, filesPerProcess, folder, testNamePatterns)) })
  }
  const hasFailed = ran.some(({ success }) => !success)
  const failures = ran.flatMap((outcome) => outcome.failures)
  const isEmpty = ran.every(({ tests }) => tests === 0)
  const isGreen = !isEmpty && (!hasFailed || (await runAgain(failures, folder)))
  if (isEmpty) process.stdout.write('\nNo test has such a name.\n')
  process.stdout.write('\n')
  for (const { title, passed, failed, skipped, seconds } of ran)
    process.stdout.write(`${title}: ${passed} passed, ${failed} failed, ${skipped} skipped, in ${seconds} s\n`)
  const longNames = ran.flatMap((outcome) => outcome.longNames)
  for (const name of longNames) process.stdout.write(`Longer than ${longestName} characters: ${name}\n`)
  if (longNames.length > 0 || !isGreen) process.exitCode = 1
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
  const files = await findTestFiles(positionals)
  await globalSetup()
  const folder = await mkdtemp(join(tmpdir(), 'stockroom-tests-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  try {
    await runLayers(files, values['test-name-pattern'], folder)
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
