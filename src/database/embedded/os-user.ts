import { execFile } from 'node:child_process'
import * as fs from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

import { StartupError } from '../../startup-error.ts'
import { enclose, type Enclosure, enclosureOf } from './enclosure.ts'

export interface Account {
  uid: number
  gid: number
  enclosure: Enclosure | undefined
}

const environment = { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C', TZ: 'UTC' }

/** Runs the server if this process is root. No system assigns this ID, so no other program owns its files. */
const dedicated = 61_000

/** Has a name nearly everywhere. */
const unprivileged = 65_534

/** The account that runs the server in `folder`: the current user, or, if that is root, one that cannot read other files. */
export async function chooseAccount(folder: string, programs: string): Promise<Account> {
  const ownUid = process.getuid?.() ?? 0
  if (ownUid !== 0) return { uid: ownUid, gid: process.getgid?.() ?? 0, enclosure: undefined }
  const direct = { uid: dedicated, gid: dedicated, enclosure: undefined }
  await letThrough(folder, direct.gid)
  const enclosure = await enclosureOf([folder, dirname(programs)], direct.gid)
  let problem: string | undefined
  for (const account of enclosure ? [{ ...direct, enclosure }, direct] : [direct]) {
    problem = await tryAccount(account, folder, programs)
    if (problem === undefined) return account
  }
  throw new StartupError(
    `PostgreSQL must not run as root, and user ${dedicated}, which would run it, cannot enter ` +
      `${enclosure?.closed.join(' and ') ?? `${folder} and ${programs}`} (${problem}). Let other users enter ` +
      '(chmod o+x), put the project and DATA_DIR elsewhere, start as an ordinary user, or set POSTGRES_HOST.',
  )
}

/** initdb refuses a user without a name. The group still keeps other processes of that user out. */
export function named(account: Account): Account {
  return process.getuid?.() === 0 ? { ...account, uid: unprivileged } : account
}

export async function letThrough(folder: string, gid: number): Promise<void> {
  const { mode } = await fs.stat(folder)
  if ((mode & 0o001) !== 0) return
  await fs.chown(folder, 0, gid)
  await fs.chmod(folder, (mode & 0o7777) | 0o010)
}

async function tryAccount(account: Account, folder: string, programs: string): Promise<string | undefined> {
  const script = 'test -x "$0" || { echo "$0: Permission denied" >&2; exit 1; }; exec "$1" --version'
  const { command, parameters, options } = runAs(account, ['sh', '-c', script, folder, join(programs, 'postgres')])
  return promisify(execFile)(command, parameters, { ...options, timeout: 5_000 }).then(
    () => undefined,
    ({ stderr, message }: Error & { stderr?: string }) => (stderr || message).trim().split('\n').at(-1),
  )
}

export function runAs({ uid, gid, enclosure }: Account, program: string[]) {
  const line = enclosure ? enclose(enclosure, { uid, gid }, program) : program
  const [command = '', ...parameters] = line
  const user = enclosure ? {} : { uid, gid }
  return { command, parameters, options: { ...user, cwd: '/', env: environment } }
}

export async function changeOwner(path: string, { uid, gid }: Account): Promise<void> {
  const found = await fs.lstat(path)
  if (found.uid === uid || process.getuid?.() !== 0) return
  // Unlike a loop in JavaScript, chown cannot be redirected by links, and changes the directory itself last.
  await promisify(execFile)('chown', ['-hR', `${uid}:${gid}`, path])
}
