import type { ChildProcess } from 'node:child_process'
import * as fs from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

import { StartupError } from '../../startup-error.ts'

export async function readText(file: string): Promise<string> {
  await using handle = await openFile(file, fs.constants.O_RDONLY).catch(ignore('ENOENT'))
  return (await handle?.readFile('utf8')) ?? ''
}

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

export async function remove(path: string): Promise<void> {
  await fs.rm(path, { recursive: true, force: true, maxRetries: 5 })
}

export function ignore(...codes: string[]) {
  return (error: NodeJS.ErrnoException): undefined => {
    if (!codes.includes(error.code ?? '')) throw error
  }
}

export function hasCode(error: unknown, code: string): boolean {
  return (error as NodeJS.ErrnoException).code === code
}

export function parsePid(text: string): number {
  // PostgreSQL writes a negative one in single-user mode.
  return Math.abs(Number.parseInt(text, 10)) || 0
}

/** A zombie counts until its parent reaps it. */
export function processExists(pid: number): boolean {
  return send(pid, 0)
}

export function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

export function pause(): Promise<void> {
  return sleep(20)
}

export async function waitUntil(isTrue: () => boolean | Promise<boolean>, timeoutMs: number): Promise<boolean> {
  const end = Date.now() + timeoutMs
  while (!(await isTrue())) {
    if (Date.now() > end) return false
    await pause()
  }
  return true
}
