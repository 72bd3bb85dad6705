import { execFileSync } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import type { TestContext } from 'node:test'

import { isAlive, run } from '../../test/support/service.ts'
import { eventually } from '../../test/support/until.ts'

const longestStartMs = 240_000

/** Runs a test of a part, and ends the run when a process whose command line contains `program` has started. */
export async function checkInterrupt(
  t: TestContext,
  [part, pattern]: [string, string],
  program: string,
  [signal, code]: [NodeJS.Signals, number | string],
): Promise<void> {
  const before = await folders()
  const args = ['deploy/test/run.ts', '--only', part, '--test-name-pattern', pattern]
  const { child, ended, output } = run(t, process.execPath, args, { CI: '1' })
  const started = await eventually(
    () => {
      if (child.exitCode !== null) throw new Error(output())
      return descendantsOf(child.pid ?? 0)
    },
    (processes) => processes.some(({ command }) => command.includes(program)),
    longestStartMs,
  )
  child.kill(signal)
  t.assert.strictEqual(await ended, code)
  // The kernel, and not the run, ends them after SIGKILL.
  await eventually(
    () => started.filter(({ pid }) => isAlive(pid)),
    ({ length }) => length === 0,
  )
  if (signal !== 'SIGKILL') t.assert.deepStrictEqual(await folders(), before)
}

async function folders(): Promise<string[]> {
  return (await readdir(tmpdir())).filter((name) => name.startsWith('stockroom-deploy-'))
}

function descendantsOf(ancestor: number): { pid: number; command: string }[] {
  const lines = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' }).trim().split('\n')
  const processes = lines.map((line) => {
    const [pid, parent, ...words] = line.trim().split(/\s+/)
    return { pid: Number(pid), parent: Number(parent), command: words.join(' ') }
  })
  const descend = (pid: number): typeof processes =>
    processes.filter(({ parent }) => parent === pid).flatMap((child) => [child].concat(descend(child.pid)))
  return descend(ancestor)
}
