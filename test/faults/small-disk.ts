import { execFileSync } from 'node:child_process'
import { chmod, open, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'

import type { Cleanup } from '../support/cleanup.ts'
import { temporaryFolder } from '../support/service.ts'

/** A file system that can be filled up. */
export interface SmallDisk {
  folder: string
  /** Writes until there is no space left. */
  fill(): Promise<void>
  /** Gives that space back. */
  free(): Promise<void>
}

/** The reason why it is not possible here, or false. */
export const withoutMounts = process.getuid?.() === 0 && canMount() ? false : 'only root may mount a small file system'

/** The size of a new cluster with its write-ahead log, and some writes. */
const size = '160m'

/** Mounts an in-memory file system. @throws Error if that is not permitted */
export async function openSmallDisk(t: Cleanup): Promise<SmallDisk> {
  const folder = await temporaryFolder(t)
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=0700`, 'stockroom', folder])
  t.after(() => execFileSync('umount', ['-l', folder]))
  const ballast = join(folder, 'ballast')
  return {
    folder,
    async fill() {
      await using file = await open(ballast, 'a')
      for (const piece of [2 ** 20, 2 ** 12]) {
        const bytes = Buffer.alloc(piece)
        try {
          for (;;) await file.appendFile(bytes)
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
        }
      }
    },
    free: () => rm(ballast),
  }
}

/** Moves the write-ahead log of a stopped cluster to another file system, as operators often do. */
export async function moveLog(t: Cleanup, cluster: string): Promise<void> {
  const folder = await temporaryFolder(t)
  // The server does not run as root.
  await chmod(folder, 0o711)
  const elsewhere = join(folder, 'log')
  execFileSync('cp', ['-a', join(cluster, 'pg_wal'), elsewhere])
  await rm(join(cluster, 'pg_wal'), { recursive: true })
  await symlink(elsewhere, join(cluster, 'pg_wal'))
}

function canMount(): boolean {
  try {
    execFileSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'stockroom', '/mnt'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
