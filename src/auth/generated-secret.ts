import { randomBytes, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { constants, type FileHandle, link, mkdir, open, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { StartupError } from '../startup-error.ts'

const minBytes = 64
const maxBytes = 1024

/** The secret stored in `dataDir`, created on first use, so that tokens survive a restart. */
export async function generatedSecret(dataDir: string): Promise<string> {
  const path = join(dataDir, 'jwt-secret')
  if (!existsSync(path)) await createSecret(dataDir, path)
  return readSecret(path)
}

async function createSecret(dataDir: string, path: string): Promise<void> {
  const temporaryPath = `${path}.${randomUUID()}`
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  await writeFile(temporaryPath, randomBytes(64).toString('base64url'), { mode: 0o600, flag: 'wx', flush: true })
  // Atomic, and never overwrites: if it fails, another process was faster.
  await link(temporaryPath, path).catch(() => {})
  await rm(temporaryPath)
}

async function readSecret(path: string): Promise<string> {
  // Without O_NONBLOCK, opening a FIFO would wait for its writer.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  await using file = await open(path, flags).catch(({ code, message }: NodeJS.ErrnoException) => {
    throw unusable(path, code === 'ELOOP' ? 'it is a symbolic link' : message)
  })
  await checkFile(path, file)
  const secret = await file.readFile('latin1')
  const [, text = ''] = /^([\x21-\x7e]*)\s*$/.exec(secret) ?? []
  if (text === '') throw unusable(path, 'it is not text')
  if (text.length < minBytes)
    throw unusable(path, `it has ${text.length} characters, and at least ${minBytes} are needed`)
  return secret
}

async function checkFile(path: string, file: FileHandle): Promise<void> {
  const found = await file.stat()
  const mode = found.mode & 0o777
  if (!found.isFile()) throw unusable(path, 'it is not a file')
  if (found.uid !== process.geteuid?.()) throw unusable(path, `it belongs to user ${found.uid}`)
  if ((mode & 0o077) !== 0) throw unusable(path, `other users can read or change it (mode ${mode.toString(8)})`)
  if (found.size < minBytes) throw unusable(path, `it has ${found.size} bytes, and at least ${minBytes} are needed`)
  if (found.size > maxBytes) throw unusable(path, `it has more than ${maxBytes} bytes`)
}

function unusable(path: string, problem: string): StartupError {
  return new StartupError(
    `The token secret ${path} cannot be trusted: ${problem}. Remove it and restart: a new one is created, ` +
      'and all managers must log in again. Or set JWT_SECRET.',
  )
}
