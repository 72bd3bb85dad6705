import * as fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'

import { StartupError } from '../../startup-error.ts'
import { closedAbove } from './enclosure.ts'
import { type Account, changeOwner } from './os-user.ts'
import { serves } from './postmaster.ts'
import { parsePid, readText } from './system.ts'

const socket = '.s.PGSQL.5432'
const prefix = 'stockroom-'

/** In bytes, without the terminating zero: what every system supports. */
const longestPath = 103

// A directory that no other user can create or enter: the cluster itself, or one with a random name if the path would be too long.
export async function makeSocketFolder(cluster: string, account: Account): Promise<string> {
  if (fits(cluster)) return cluster
  for (const parent of new Set([resolve(tmpdir()), '/tmp', '/run', '/dev/shm'])) {
    const path = await fs.mkdtemp(join(parent, prefix)).catch(() => undefined)
    if (path === undefined) continue
    const isClosed = process.getuid?.() === 0 && (await closedAbove(path, account.gid)) !== undefined
    if (fits(path) && !isClosed) {
      await changeOwner(path, account)
      return path
    }
    await fs.rmdir(path)
  }
  throw new StartupError(
    `The path of DATA_DIR is too long for a socket in it (${cluster}), and there is no usable temporary directory. ` +
      'Choose a shorter DATA_DIR, or set TMPDIR to an existing directory.',
  )
}

export function socketLock(folder: string): string {
  return join(folder, `${socket}.lock`)
}

export async function removeOldSocketFolder(cluster: string): Promise<void> {
  const text = await readText(join(cluster, 'postmaster.pid'))
  const [, , , , folder = ''] = text.split('\n')
  if (!(await serves(parsePid(text), cluster))) await removeSocketFolder(folder)
}

export async function removeSocketFolder(folder: string): Promise<void> {
  if (!basename(folder).startsWith(prefix)) return
  for (const file of [join(folder, socket), socketLock(folder)]) await fs.unlink(file).catch(() => {})
  await fs.rmdir(folder).catch(() => {})
}

function fits(folder: string): boolean {
  return Buffer.byteLength(join(folder, socket)) <= longestPath
}
