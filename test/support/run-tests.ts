import { mkdtemp, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { type EventData, run } from 'node:test'
import { spec } from 'node:test/reporters'
import { pathToFileURL } from 'node:url'

/** Milliseconds that one test may take. The slowest takes a fifth of that on a busy machine. */
const timeout = 120_000

/** The others wait most of the time, for processes to start and for timeouts. */
const concurrency = availableParallelism() + 1

export const longestName = 72

export interface Result {
  tests: number
  passed: number
  failed: number
  skipped: number
  seconds: number
  success: boolean
  failures: Failure[]
  longNames: string[]
}

/** A test, or without a name a process that ended before its tests did. */
export interface Failure {
  name?: string
  files: string[]
}

/**
 * Runs test files in processes, several files in each, and writes what happens to the standard output.
 * @param folder for what the processes load
 */
export async function runTests(
  files: string[],
  filesPerProcess: number,
  folder: string,
  testNamePatterns: (string | RegExp)[] = [],
): Promise<Result> {
  // A process whose first file has no such test would end before it has loaded the others.
  const size = testNamePatterns.length > 0 ? 1 : filesPerProcess
  const groups = await groupFiles(files, size, await mkdtemp(join(folder, 'tests-')))
  const longNames: string[] = []
  const failures: Failure[] = []
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
  results.on('test:fail', ({ name, file, nesting }) => {
    const group = groups.get(name)
    if (group) {
      process.stdout.write(`A process ended early. It ran ${group.join(', ')}.\n`)
      failures.push({ files: group })
    } else if (nesting === 0) failures.push({ name, files: file === undefined ? [] : [file] })
  })
  // The last one is of all files.
  results.on('test:summary', (data) => (summary = data))
  // A process without tests is reported as a test that passes.
  let empty = 0
  const events = results.filter(({ type, data }: { type: string; data: { name?: string } }) => {
    const isProcess = groups.has(data.name ?? '')
    if (isProcess && type === 'test:pass') empty++
    return !isProcess || type === 'test:fail'
  })
  for await (const text of events.compose(spec)) process.stdout.write(text)
  if (summary === undefined) throw new Error('The tests ended without a summary.')
  const { counts, success, duration_ms: ms } = summary
  const tests = counts.tests - empty
  const passed = counts.passed - empty
  const failed = tests - passed - counts.skipped - counts.todo
  const { skipped } = counts
  return { tests, passed, failed, skipped, success, seconds: Math.round(ms / 1000), failures, longNames }
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

/** More that fail are a fault, not the load of the machine. */
const mostRunAgain = 3

/** Runs each of `failures` once more, alone. @returns whether all passed */
export async function runAgain(failures: Failure[], folder: string): Promise<boolean> {
  if (failures.length === 0 || failures.length > mostRunAgain) return false
  const passes: boolean[] = []
  for (const { files, name } of failures) {
    const title = `${name ?? 'a process that ended early'} (${files.map((file) => relative('.', file)).join(', ')})`
    process.stdout.write(`\nAgain, because it failed: ${title}\n\n`)
    const pattern = name === undefined ? [] : [new RegExp(`^${RegExp.escape(name)}$`)]
    const { success, tests } = await runTests(files, files.length, folder, pattern)
    passes.push(success && tests > 0)
    process.stdout.write(passes.at(-1) ? `\nFlaky: failed, then passed: ${title}\n` : `\nFailed twice: ${title}\n`)
  }
  return passes.every(Boolean)
}
