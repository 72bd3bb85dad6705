import * as fs from 'node:fs/promises'
import { resolve } from 'node:path'

import { StartupError } from '../../startup-error.ts'

/** Creates the data directory if missing, and checks that no other user can write to it. @throws StartupError */
export async function openDataFolder(dataDir: string): Promise<string> {
  const folder = await create(dataDir)
  const { mode, uid } = await fs.stat(folder)
  const isRoot = process.getuid?.() === 0
  if (isRoot && uid !== 0) {
    throw new StartupError(
      `DATA_DIR (${folder}) belongs to user ${uid}, who could redirect what the service writes there as root. ` +
        `Start it as user ${uid}, or give the directory to root: chown -hR 0:0 ${folder}`,
    )
  }
  if ((mode & (isRoot ? 0o022 : 0o002)) !== 0) {
    throw new StartupError(
      `Other users can write to DATA_DIR (${folder}, mode ${(mode & 0o7777).toString(8)}). ` +
        `Choose a subdirectory (DATA_DIR=${folder}/stockroom), or run: chmod go-w ${folder}`,
    )
  }
  return folder
}

async function create(dataDir: string): Promise<string> {
  try {
    await fs.mkdir(dataDir, { recursive: true, mode: 0o700 })
    const folder = await fs.realpath(dataDir)
    await fs.access(folder, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK)
    return folder
  } catch (cause) {
    throw new StartupError(`DATA_DIR (${resolve(dataDir)}) cannot be used: ${describe(cause)}`, { cause })
  }
}

function describe(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'EEXIST' || code === 'ENOTDIR') return 'it is a file, or below one. Choose a directory.'
  if (code === 'EACCES' || code === 'EPERM')
    return 'this user may not write there. Change its owner, or choose another.'
  if (code === 'EROFS') return 'its file system is read-only. Choose another.'
  return message
}
