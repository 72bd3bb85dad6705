import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

import { isBearerToken } from '../client/shapes.ts'
import { CliError, fileFailure } from './errors.ts'

export interface Account {
  email: string
  token: string
  expires_at: string
}

export interface Credentials {
  server?: string
  accounts: Record<string, Account>
}

export function configFolder(env: NodeJS.ProcessEnv = process.env): string {
  const standard = process.platform === 'win32' ? (env['APPDATA'] ?? homedir()) : join(homedir(), '.config')
  return join(env['XDG_CONFIG_HOME'] || standard, 'stockroom')
}

export async function readCredentials(file = credentialsFile()): Promise<Credentials> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{}'
    throw fileFailure(error, file)
  })
  return parse(text, file)
}

/** Readable by its owner only, and written atomically. */
export async function writeCredentials(credentials: Credentials, file = credentialsFile()): Promise<void> {
  const temporaryPath = `${file}.${process.pid}`
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    await writeFile(temporaryPath, `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
    await rename(temporaryPath, file)
  } catch (error) {
    throw fileFailure(error, file)
  } finally {
    await rm(temporaryPath, { force: true })
  }
}

function credentialsFile(): string {
  return join(configFolder(), 'credentials.json')
}

/** Never quotes the file, which contains tokens. */
function parse(text: string, file: string): Credentials {
  try {
    const { server, accounts = {} } = JSON.parse(text) as Partial<Credentials>
    const isWhole =
      ['string', 'undefined'].includes(typeof server) &&
      Object.values(accounts).every(({ email, token }) => typeof email === 'string' && isBearerToken(token))
    if (isWhole) return { ...(server !== undefined && { server }), accounts }
  } catch {
    // Reported below.
  }
  throw new CliError(`${file} is damaged. Delete it and sign in again.`)
}
