import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { mutated, type Mutant, readName, type TestName } from './mutant.ts'

export const root = fileURLToPath(new URL('../..', import.meta.url))

export interface TestRun {
  /** A test failed, or the file could not be run. */
  isFailed: boolean
  isTimedOut: boolean
  /** The first test that failed. */
  failed: string | undefined
  /** The names of passed tests. */
  passed: string[]
  ms: number
}

/** A copy of the repository, in which one file at a time is changed. */
export interface Workplace extends AsyncDisposable {
  /** Applies the mutant while `work` runs. */
  withMutant<Result>(mutant: Mutant, work: () => Promise<Result>): Promise<Result>
  /** Runs tests until the first failure. */
  run(tests: TestName, timeoutMs: number): Promise<TestRun>
}

/** Not needed in a copy, or not to be shared with the checkout. */
const left = new Set(['.git', '.data', '.env', 'node_modules', 'coverage', 'dist', 'dist-client', 'work'])

/** @param stop aborted when the run should end early */
export async function openWorkplace(stop: AbortSignal): Promise<Workplace> {
  const folder = await mkdtemp(join(tmpdir(), 'stockroom-mutants-'))
  // If tests run as root, the servers that they start run as another user.
  await chmod(folder, 0o755)
  const tree = join(folder, 'tree')
  const temporary = join(folder, 'tmp')
  await cp(root, tree, { recursive: true, filter: (path) => !left.has(path.slice(root.length)) })
  await symlink(join(root, 'node_modules'), join(tree, 'node_modules'))

  return {
    async withMutant(mutant, work) {
      const path = join(tree, mutant.file)
      const text = await readFile(path, 'utf8')
      await writeFile(path, mutated(text, mutant))
      try {
        return await work()
      } finally {
        await writeFile(path, text)
      }
    },

    async run(tests, timeoutMs) {
      stop.throwIfAborted()
      await mkdir(temporary, { mode: 0o755 })
      try {
        return await runTests(tests, { tree, temporary, cache: join(folder, 'cache'), timeoutMs, stop })
      } finally {
        await endServersIn(temporary)
        await rm(temporary, { recursive: true, force: true, maxRetries: 5 })
      }
    },

    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true, maxRetries: 5 }),
  }
}

interface Place {
  tree: string
  temporary: string
  /** Compiled modules, with which a test file starts a third faster. */
  cache: string
  timeoutMs: number
  stop: AbortSignal
}

async function runTests(tests: TestName, { tree, temporary, cache, timeoutMs, stop }: Place): Promise<TestRun> {
  const { file, pattern } = readName(tests)
  const options = ['--test-force-exit', '--test-reporter=tap', `--test-name-pattern=${pattern}`]
  const startedAt = performance.now()
  const child = spawn(process.execPath, [...options, `test/${file}.test.ts`], {
    cwd: tree,
    // A process group, so that processes started by a test end with it.
    detached: true,
    env: { ...process.env, TMPDIR: temporary, NODE_COMPILE_CACHE: cache },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const end = () => killGroup(child)
  const { signal: late, clear } = timeoutOf(timeoutMs)
  for (const reason of [late, stop]) reason.addEventListener('abort', end)
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
    if (notOk.test(output)) end()
  })
  const [code] = await once(child, 'close')
  clear()
  stop.removeEventListener('abort', end)
  stop.throwIfAborted()
  // Its child processes may outlive it.
  end()
  return {
    isFailed: code !== 0,
    isTimedOut: late.aborted,
    failed: notOk.exec(output)?.[1],
    passed: Array.from(output.matchAll(/^ *ok \d+ - (.*)$/gm), ([, name = '']) => name),
    ms: performance.now() - startedAt,
  }
}

const notOk = /^ *not ok \d+ - (.*)$/m

function timeoutOf(ms: number) {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), ms)
  return { signal: controller.signal, clear: () => clearTimeout(timer) }
}

function killGroup({ pid = 0 }: ChildProcess): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // All of them have already ended.
  }
}

/** Ends PostgreSQL servers of killed tests: each has its own process group, and its folder is in the temporary one. */
async function endServersIn(temporary: string): Promise<void> {
  for (const path of await readdir(temporary, { recursive: true })) {
    if (!path.endsWith('/postmaster.pid')) continue
    const pid = Number.parseInt(await readFile(join(temporary, path), 'utf8'), 10)
    try {
      process.kill(pid, 'SIGQUIT')
    } catch {
      // It has already ended.
    }
  }
}
