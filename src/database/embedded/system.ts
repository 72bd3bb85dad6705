import type { ChildProcess } from 'node:child_process'
import * as fs from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

import { StartupError } from '../../startup-error.ts'

/** The text of a file, empty if there is none. @throws StartupError if it is a link */
export async function readText(file: string): Promise<string> {
  await using handle = await openFile(file, fs.constants.O_RDONLY).catch(ignore('ENOENT'))
  return (await handle?.readFile('utf8')) ?? ''
}

/**
 * Opens a file of the data folder, created for its user alone if `flags` say so.
 *
 * @throws StartupError if it is a link, or no file
 */
export async function openFile(path: string, flags: number): Promise<fs.FileHandle> {
  const safe = fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK
  const handle = await fs.open(path, flags | safe, 0o600).catch((error: NodeJS.ErrnoException) => {
    if (['ELOOP', 'ENXIO', 'EISDIR'].includes(error.code ?? '')) throw notAFile(path)
    throw error
  })
  if ((await handle.stat()).isFile()) return handle
  await handle.close()
  throw notAFile(path)
}

function notAFile(path: string): StartupError {
  return new StartupError(`${path} is a link, or not a file. Remove it.`)
}

/** Removes a file, or a folder that others may still be writing into. */
export async function remove(path: string): Promise<void> {
  await fs.rm(path, { recursive: true, force: true, maxRetries: 5 })
}

/** What catches errors with one of these codes, and throws all others again. */
export function ignore(...codes: string[]) {
  return (error: NodeJS.ErrnoException): undefined => {
    if (!codes.includes(error.code ?? '')) throw error
  }
}

/** Whether `error` has this code, of a system call or of PostgreSQL. */
export function hasCode(error: unknown, code: string): boolean {
  return (error as NodeJS.ErrnoException).code === code
}

/** The process number that `text` begins with; 0 if there is none. */
export function parsePid(text: string): number {
  // PostgreSQL writes a negative one in single-user mode.
  return Math.abs(Number.parseInt(text, 10)) || 0
}

/** Whether there is such a process; one that ended counts until its parent has taken note. */
export function processExists(pid: number): boolean {
  return send(pid, 0)
}

/** Sends a signal. @returns whether there is such a process */
export function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Whether a process that this one started is over. */
export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

/** The time between two looks at what another process does. */
export function pause(): Promise<void> {
  return sleep(20)
}

/** Waits until `isTrue`, for `patience` milliseconds at most. @returns whether it became true */
export async function waitUntil(isTrue: () => boolean | Promise<boolean>, patience: number): Promise<boolean> {
  const end = Date.now() + patience
  while (!(await isTrue())) {
    if (Date.now() > end) return false
    await pause()
  }
  return true
}
