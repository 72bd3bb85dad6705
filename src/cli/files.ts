import { hash, randomBytes } from 'node:crypto'
import type { BigIntStats } from 'node:fs'
import { chmod, chown, lstat, mkdir, open, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Writable } from 'node:stream'

import { configFolder } from './credentials.ts'
import { CliError, fileFailure } from './errors.ts'

// Renames a complete temporary file, which keeps mode and owner. Follows links, and writes to devices and pipes directly.
export async function replaceFile(file: string, isForced: boolean, write: (target: Writable) => Promise<void>) {
  try {
    const place = await placeOf(file)
    const before = await statOf(place)
    if (before && !before.isFile()) return await writeTo(place, 'w', write)
    if (!isForced) await refuseEdited(file, place)
    const temporaryPath = `${place}.${randomBytes(4).toString('hex')}.part`
    try {
      await writeTo(temporaryPath, 'wx', write, before)
      if (!isForced) await refuseEdited(file, place)
      await rename(temporaryPath, place)
    } catch (error) {
      await rm(temporaryPath, { force: true })
      throw error
    }
    await saveStamp(place)
  } catch (error) {
    throw fileFailure(error, file)
  }
}

async function writeTo(
  path: string,
  flags: 'w' | 'wx',
  write: (target: Writable) => Promise<void>,
  like?: BigIntStats,
): Promise<void> {
  // The replacement of a private file must be private from the beginning.
  const handle = await open(path, flags, like === undefined ? 0o666 : 0o600)
  if (like !== undefined) {
    await chown(path, Number(like.uid), Number(like.gid)).catch(() => {})
    await chmod(path, Number(like.mode) & 0o777)
  }
  const target = handle.createWriteStream({ flush: true })
  try {
    await write(target)
  } finally {
    target.destroy()
  }
}

async function placeOf(file: string): Promise<string> {
  const place = await realpath(file).catch(() => undefined)
  if (place !== undefined) return place
  const link = await lstat(file).catch(() => undefined)
  if (link?.isSymbolicLink())
    throw new CliError(`${file} is a broken symbolic link. Delete it, or choose another file.`)
  return join(await realpath(dirname(file)), basename(file))
}

async function statOf(path: string): Promise<BigIntStats | undefined> {
  return await stat(path, { bigint: true }).catch(() => undefined)
}

async function refuseEdited(file: string, place: string): Promise<void> {
  const now = await statOf(place)
  if (now === undefined || (await readStamp(place)) === stampOf(now)) return
  throw new CliError(
    `${file} has changed since the last export. Choose another file, or overwrite the changes with --force.`,
  )
}

/** If nothing can be stored, the next export requires --force. */
async function saveStamp(place: string): Promise<void> {
  const now = await statOf(place)
  if (now === undefined) return
  const record = recordOf(place)
  await mkdir(dirname(record), { recursive: true, mode: 0o700 }).catch(() => {})
  await writeFile(record, stampOf(now), { mode: 0o600 }).catch(() => {})
}

async function readStamp(place: string): Promise<string | undefined> {
  return await readFile(recordOf(place), 'utf8').catch(() => undefined)
}

function recordOf(place: string): string {
  return join(configFolder(), 'exports', hash('sha256', place))
}

function stampOf({ size, mtimeNs }: BigIntStats): string {
  return `${size} bytes, modified ${mtimeNs}\n`
}
