import { rmSync } from 'node:fs'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { type EventData, run } from 'node:test'
import { spec } from 'node:test/reporters'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'

import { explain } from './support/explain.ts'
import { findTestFiles } from './support/find-test-files.ts'
import { globalSetup, globalTeardown } from './support/global-setup.ts'

const usage = `Runs the tests on a private PostgreSQL and Redis.

Usage: npm test [-- options] [-- files]

  --test-name-pattern <pattern>  only tests whose names match this regular expression; may be given several times
  --help                         this

Files are paths of test files, of folders, or patterns, for instance test/items/list/list.test.ts, test/items, or
'test/**/list*'; without any, all of them run: first those in process, then those of test/e2e/, which start processes of the service or their own PostgreSQL and Redis.`

/** Milliseconds that one test may take. The slowest takes a fifth of that on a busy machine. */
const timeout = 120_000

/** The others wait most of the time, for processes to start and for timeouts. */
const concurrency = availableParallelism() + 1

const longestName = 72

interface Layer {
  title: string
  has: (file: string) => boolean
  /** Loading the service takes a process a second, so files share processes. Few do, so that the last process ends soon. */
  filesPerProcess: number
}

const layers: Layer[] = [
  { title: 'Tests in process', has: (file) => !isEndToEnd(file), filesPerProcess: 10 },
  { title: 'Tests that start processes', has: isEndToEnd, filesPerProcess: 4 },
]

function isEndToEnd(file: string): boolean {
  return relative('test/e2e', file)[0] !== '.'
}

/** The second layer runs although tests of the first one failed, so that one run tells of every failure. */
async function runLayers(files: string[], testNamePatterns: string[], folder: string): Promise<void> {
  const ran: (Result & { title: string })[] = []
  for (const { title, has, filesPerProcess } of layers) {
    const chosen = files.filter(has)
    if (chosen.length === 0) continue
    process.stdout.write(`\n${title}\n\n`)
    const groups = await groupFiles(chosen, filesPerProcess, await mkdtemp(join(folder, 'layer-')))
    ran.push({ title, ...(await runTests(groups, testNamePatterns)) })
  }
  process.stdout.write('\n')
  for (const { title, passed, failed, skipped, seconds } of ran)
    process.stdout.write(`${title}: ${passed} passed, ${failed} failed, ${skipped} skipped, in ${seconds} s\n`)
  const longNames = ran.flatMap((outcome) => outcome.longNames)
  for (const name of longNames) process.stdout.write(`Longer than ${longestName} characters: ${name}\n`)
  if (longNames.length > 0 || ran.every(({ tests }) => tests === 0) || ran.some(({ success }) => !success))
    process.exitCode = 1
}

/** Neighbors are in different groups, because slow files are neighbors. @returns a file for each group, which loads it */
async function groupFiles(files: string[], size: number, folder: string): Promise<Map<string, string[]>> {
  const count = Math.ceil(files.length / size)
  const loader = pathToFileURL(resolve('test/support/load-tests.ts')).href
  const groups = new Map<string, string[]>()
  for (let index = 0; index < count; index++) {
    const group = files.filter((_, position) => position % count === index)
    const path = join(folder, `group-${index}.mjs`)
    const paths = group.map((file) => resolve(file))
    await writeFile(path, `import { loadTests } from '${loader}'\nawait loadTests(${JSON.stringify(paths)})\n`)
    groups.set(path, group)
  }
  return groups
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

async function runTests(groups: Map<string, string[]>, testNamePatterns: string[]): Promise<Result> {
  const longNames: string[] = []
  let summary: EventData.TestSummary | undefined
  const results = run({
    files: [...groups.keys()],
    concurrency,
    timeout,
    ...(testNamePatterns.length > 0 && { testNamePatterns }),
    // A test that fails may leave a server or a connection behind, which would keep its process from ending.
    execArgv: ['--test-force-exit'],
  })
  results.on('test:pass', ({ name }) => name.length > longestName && longNames.push(name))
  results.on('test:fail', ({ name }) => {
    const group = groups.get(name)
    if (group) process.stdout.write(`A process ended early. It ran ${group.join(', ')}.\n`)
  })
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
  const files = await findTestFiles(positionals)
  await globalSetup()
  const folder = await mkdtemp(join(tmpdir(), 'stockroom-tests-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  // Compiled modules, with which a process starts a third faster. They would make coverage less exact.
  if (!process.env['NODE_V8_COVERAGE']) process.env['NODE_COMPILE_CACHE'] = join(folder, 'compiled')
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
