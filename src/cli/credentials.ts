import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

import { Failure } from './failures.ts'

export interface Account {
  email: string
  token: string
  /** ISO 8601. */
  expires_at: string
}

/** What is kept from one call to the next. */
export interface Credentials {
  /** The server that was signed in at last. */
  server?: string
  /** By the address of their server. */
  accounts: Record<string, Account>
}

/** In the folder for settings of whoever calls: XDG_CONFIG_HOME, or what the system has for it. */
export function credentialsFile(env: NodeJS.ProcessEnv = process.env): string {
  const standard = process.platform === 'win32' ? (env['APPDATA'] ?? homedir()) : join(homedir(), '.config')
  return join(env['XDG_CONFIG_HOME'] || standard, 'stockroom', 'credentials.json')
}

export async function readCredentials(file = credentialsFile()): Promise<Credentials> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Credentials
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { accounts: {} }
    throw new Failure(`${file} cannot be read: ${(error as Error).message}. Delete it and sign in again.`)
  }
}

/** Readable by its owner alone, and whole at every moment. */
export async function writeCredentials(credentials: Credentials, file = credentialsFile()): Promise<void> {
  const draft = `${file}.${process.pid}`
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  try {
    await writeFile(draft, `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
    await rename(draft, file)
  } finally {
    await rm(draft, { force: true })
  }
}
