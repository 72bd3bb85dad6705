import { hash, randomBytes } from 'node:crypto'
import type { BigIntStats } from 'node:fs'
import { chmod, chown, lstat, mkdir, open, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Writable } from 'node:stream'

import { configFolder } from './credentials.ts'
import { CliError, fileFailure } from './errors.ts'

/**
 * Writes beside the file, and puts that in its place when it is whole, with the mode and owner of the file that was there. A
 * link stays, and what it leads to is replaced. A device or a pipe is written to directly.
 *
 * @param write is called when the file may be written
 * @throws Failure if the file is not as the last export left it, unless `isForced`
 */
export async function replaceFile(file: string, isForced: boolean, write: (target: Writable) => Promise<void>) {
  try {
    const place = await placeOf(file)
    const before = await statOf(place)
    if (before && !before.isFile()) return await writeTo(place, 'w', write)
    if (!isForced) await refuseEdited(file, place)
    const draft = `${place}.${randomBytes(4).toString('hex')}.part`
    try {
      await writeTo(draft, 'wx', write, before)
      if (!isForced) await refuseEdited(file, place)
      await rename(draft, place)
    } catch (error) {
      await rm(draft, { force: true })
      throw error
    }
    await remember(place)
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
  // What takes the place of a private file is private from the beginning.
  const handle = await open(path, flags, like === undefined ? 0o666 : 0o600)
  if (like !== undefined) {
    // Only root may give files away.
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

/** Where a link leads. @throws Failure if it leads nowhere */
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
  if (now === undefined || (await recall(place)) === stampOf(now)) return
  throw new CliError(
    `${file} has changed since the last export. Choose another file, or overwrite the changes with --force.`,
  )
}

/** Where nothing can be kept, the next export asks for --force. */
async function remember(place: string): Promise<void> {
  const now = await statOf(place)
  if (now === undefined) return
  const record = recordOf(place)
  await mkdir(dirname(record), { recursive: true, mode: 0o700 }).catch(() => {})
  await writeFile(record, stampOf(now), { mode: 0o600 }).catch(() => {})
}

async function recall(place: string): Promise<string | undefined> {
  return await readFile(recordOf(place), 'utf8').catch(() => undefined)
}

function recordOf(place: string): string {
  return join(configFolder(), 'exports', hash('sha256', place))
}

function stampOf({ size, mtimeNs }: BigIntStats): string {
  return `${size} bytes, modified ${mtimeNs}\n`
}
