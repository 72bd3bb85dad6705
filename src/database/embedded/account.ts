import { execFile } from 'node:child_process'
import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { ignore } from './system.ts'

/** Who owns the files, and the command that goes before a program to make it run as that user. */
export interface Account {
  uid: number
  gid: number
  prefix: string[]
}

const environment = { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C', TZ: 'UTC' }

// initdb looks up the name of its user, and this one has a name nearly everywhere; user 1000 has none in many containers.
const nobody: Account = { uid: 65_534, gid: 65_534, prefix: [] }
const unshare = ['unshare', '--user', `--map-user=${nobody.uid}`, `--map-group=${nobody.gid}`]

/**
 * The account that runs the server in `folder`: ours. But PostgreSQL refuses to be root: then it is the folder's owner,
 * root without its powers, or nobody.
 *
 * @param programs the folder of the binaries
 * @throws Error if none of them can
 */
export async function chooseAccount(folder: string, programs: string): Promise<Account> {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0]
  if (uid !== 0) return { uid, gid, prefix: [] }
  const owner = await fs.stat(folder)
  const choice =
    owner.uid === 0 ? [{ uid, gid, prefix: unshare }, nobody] : [{ uid: owner.uid, gid: owner.gid, prefix: [] }]
  const problems: string[] = []
  for (const account of choice) {
    const problem = await tryAccount(account, folder, join(programs, 'postgres'))
    if (problem === undefined) return account
    problems.push(problem)
  }
  throw new Error(
    `PostgreSQL refuses to run as root, and no other user can reach ${folder} and ${programs}. Let others pass through ` +
      `the folders above (chmod o+x), start as an ordinary user, or set POSTGRES_HOST.\n${problems.join('\n')}`,
  )
}

/** @returns why `account` cannot run `program` in `folder`, or undefined if it can */
async function tryAccount(account: Account, folder: string, program: string): Promise<string | undefined> {
  const { uid, mode } = await fs.stat(folder)
  if (account.uid !== uid) {
    // Its group may pass through to the cluster, but not see what else is there.
    await fs.chown(folder, uid, account.gid)
    await fs.chmod(folder, mode | 0o010)
  }
  const script = 'test -x "$0" || { echo "$0: no way in" >&2; exit 1; }; exec "$1" --version'
  const { command, parameters, options } = runAs(account, ['sh', '-c', script, folder, program])
  return promisify(execFile)(command, parameters, { ...options, timeout: 5_000 }).then(
    () => undefined,
    (error: Error) => error.message,
  )
}

/** What a child process is made of that runs `program` as `account`, and learns nothing from our environment. */
export function runAs({ uid, gid, prefix }: Account, program: string[]) {
  const [command = '', ...parameters] = [...prefix, ...program]
  return { command, parameters, options: { uid, gid, cwd: '/', env: environment } }
}

/** Gives `path` and all in it to `account`: itself last, so that an interrupted change is made again. */
export async function changeOwner(path: string, { uid, gid }: Account): Promise<void> {
  const found = await fs.lstat(path).catch(ignore('ENOENT'))
  if (!found || found.uid === uid || process.getuid?.() !== 0) return
  // With their types, or the targets of links would be listed, and given away, too.
  const entries = found.isDirectory() ? await fs.readdir(path, { recursive: true, withFileTypes: true }) : []
  for (const { parentPath, name } of entries) {
    await fs.lchown(join(parentPath, name), uid, gid).catch(ignore('ENOENT'))
  }
  await fs.lchown(path, uid, gid)
}
