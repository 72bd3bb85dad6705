import * as fs from 'node:fs/promises'
import { dirname } from 'node:path'

/** A mount namespace lets a user reach directories below others that are closed to it, and nothing else in those. */
export interface Enclosure {
  closed: string[]
  paths: string[]
}

export async function enclosureOf(paths: string[], gid: number): Promise<Enclosure | undefined> {
  const found = await Promise.all(paths.map(async (path) => ({ path, top: await closedAbove(path, gid) })))
  const hidden = found.filter(({ top }) => top !== undefined)
  if (hidden.length === 0) return undefined
  return { closed: [...new Set(hidden.flatMap(({ top }) => top ?? []))], paths: hidden.map(({ path }) => path) }
}

export async function closedAbove(path: string, gid: number): Promise<string | undefined> {
  const parent = dirname(path)
  if (parent === path) return undefined
  const above = await closedAbove(parent, gid)
  if (above !== undefined) return above
  const found = await fs.stat(parent)
  const needed = found.gid === gid ? 0o010 : 0o001
  return (found.mode & needed) === 0 ? parent : undefined
}

// Runs `program` as a user who finds `paths` in place, with one process ID throughout. Requires root and permission to mount.
export function enclose({ closed, paths }: Enclosure, user: { uid: number; gid: number }, program: string[]): string[] {
  const script = [
    'set -e',
    ...paths.map((_, index) => `exec ${index + 3}<"$${index + 1}"`),
    ...closed.map((_, index) => `mount -t tmpfs -o mode=711,size=64k tmpfs "$${paths.length + index + 1}"`),
    ...paths.map((_, index) => {
      const bind = `mount --no-canonicalize --bind /proc/self/fd/${index + 3} "$${index + 1}"`
      return `mkdir -p "$${index + 1}"; ${bind}; exec ${index + 3}<&-`
    }),
    `shift ${paths.length + closed.length}`,
    `exec setpriv --reuid=${user.uid} --regid=${user.gid} --clear-groups --inh-caps=-all --no-new-privs "$@"`,
  ]
  return ['unshare', '--mount', 'sh', '-c', script.join('\n'), 'sh', ...paths, ...closed, ...program]
}
