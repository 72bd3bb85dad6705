import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'

import { childrenOf } from '../../test/support/programs.ts'

const namespace = ['--pid', '--fork', '--kill-child', '--mount-proc']
/** The first process of the namespace, which has to reap those whose parents ended. */
const reaper = ['sh', '-c', '"$@"; exit "$?"', 'sh']

/**
 * Runs a file in a PID namespace, with a temporary folder of its own. Whatever it started, however deep, is ended by the kernel
 * when it ends, when this process gets SIGINT or SIGTERM, and when this process is killed.
 * @returns its exit code, or 128 and the signal
 */
export async function runConfined(file: string, args: string[]): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'stockroom-deploy-'))
  // PostgreSQL runs as another user.
  await chmod(folder, 0o755)
  const owner = process.getuid?.() === 0 ? [] : ['--user', '--map-current-user']
  const command = ['unshare', ...owner, ...namespace, ...reaper, process.execPath, ...process.execArgv, file, ...args]
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...command], {
    stdio: ['ignore', 'inherit', 'inherit'],
    // Ctrl-C reaches this process only.
    detached: true,
    env: { ...process.env, TMPDIR: folder },
  })
  let interrupted: 'SIGINT' | 'SIGTERM' | undefined
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      interrupted ??= signal
      // The first process of the namespace ends when all others have; unshare waits for it.
      for (const pid of childrenOf(child.pid ?? 0)) process.kill(pid, 'SIGKILL')
    })
  try {
    const [code] = (await once(child, 'exit')) as [number | null]
    return interrupted === undefined ? (code ?? 1) : 128 + constants.signals[interrupted]
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}
