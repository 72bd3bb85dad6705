import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'

import { closeAfter, type Cleanup } from './cleanup.ts'

/** The user of a daemon that refuses root. */
export interface Owner {
  uid: number
  gid: number
}

/** A program in the background, which ends with the test. */
export interface Daemon {
  pid: number
  kill(signal: NodeJS.Signals): Promise<void>
}

/** Undefined if these tests do not run as root. */
export function ownerNamed(name: string): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined
  const [, uid, gid] = new RegExp(`^${name}:[^:]*:(\\d+):(\\d+):`, 'm').exec(readFileSync('/etc/passwd', 'utf8')) ?? []
  return uid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) }
}

export function startDaemon(t: Cleanup, command: string, args: string[], owner?: Owner): Daemon {
  const child = spawn(command, args, { stdio: 'ignore', cwd: '/', ...owner })
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  const kill = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    await ended
  }
  closeAfter(t, () => kill('SIGKILL'))
  return { pid: child.pid ?? 0, kill }
}
