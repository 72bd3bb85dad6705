import type { ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { StartupError } from '../../startup-error.ts'
import { failure, type LogEnd, markLog, readLog, run } from './binaries.ts'
import { type Account, changeOwner, chooseAccount, letThrough, named } from './os-user.ts'
import { discardStale } from './postmaster.ts'
import { administrator } from './roles.ts'
import { makeSocketFolder, removeOldSocketFolder, removeSocketFolder, socketLock } from './sockets.ts'
import { hasEnded, ignore, parsePid, processExists, remove, waitUntil } from './system.ts'

export interface Setup {
  folder: string
  cluster: string
  logFile: string
  programs: string
  settings: Record<string, string>
  /** When initdb must be done, in milliseconds since 1970. */
  deadline: number
  log(message: string): void
}

export interface Launch {
  child: ChildProcess
  sockets: string
  log: LogEnd
}

// Constraint violations are routine and quote personal data, which does not belong in a log that is never rotated.
const defaults = { log_checkpoints: 'off', log_min_messages: 'log' }

/** These failures pass when another server has started or stopped. */
const transientFailure = /lock file ".*"(?: already exists| is empty|: No such file)|is still in use/

const leftoverPrefix = 'postgres.new-'

const initdbOptions = [
  `--username=${administrator}`,
  '--auth=trust',
  '--data-checksums',
  '--no-instructions',
  '--encoding=UTF8',
  '--locale=C',
  '--locale-provider=builtin',
  '--builtin-locale=C.UTF-8',
]

export async function launch(setup: Setup): Promise<Launch> {
  const { folder, cluster, logFile, programs } = setup
  const account = await chooseAccount(folder, programs)
  await removeLeftovers(folder)
  const log = await markLog(logFile)
  const isThere = await fs.lstat(join(cluster, 'PG_VERSION')).catch(ignore('ENOENT'))
  if (!isThere) await createCluster(setup, account, log)
  await changeOwner(cluster, account)
  await closeToOthers(cluster)
  await removeOldSocketFolder(cluster)
  const sockets = await makeSocketFolder(cluster, account)
  for (const file of [join(cluster, 'postmaster.pid'), socketLock(sockets)]) await discardStale(file, cluster)
  const quoted = `"${sockets.replaceAll('"', '""')}"`
  const fixed = { listen_addresses: '', unix_socket_directories: quoted, port: '5432' }
  const settings = Object.entries({ ...defaults, ...setup.settings, ...fixed })
  const parameters = ['-D', cluster, ...settings.map(([name, value]) => `--${name}=${value}`)]
  const child = await run(setup, account, 'postgres', parameters)
  child.unref()
  return { child, sockets, log }
}

export async function assertTransient({ child, sockets, log }: Launch): Promise<void> {
  if (child.exitCode && !transientFailure.test(await readLog(log))) {
    await removeSocketFolder(sockets)
    throw await failure('PostgreSQL failed to start', log)
  }
  await sleep(100)
}

/** After a minute, the process ID in its name may belong to another program. */
async function removeLeftovers(folder: string): Promise<void> {
  const names = (await fs.readdir(folder)).filter((name) => name.startsWith(leftoverPrefix))
  for (const name of names) {
    const path = join(folder, name)
    const age = Date.now() - ((await fs.stat(path).catch(ignore('ENOENT')))?.mtimeMs ?? 0)
    if (age > 60_000 || !processExists(parsePid(name.slice(leftoverPrefix.length)))) await remove(path)
  }
}

/** Created aside and moved into place, so that an incomplete cluster is never used. */
async function createCluster(setup: Setup, account: Account, log: LogEnd): Promise<void> {
  const { folder, cluster, settings, deadline } = setup
  setup.log(`setting up PostgreSQL in ${folder}`)
  const fresh = join(folder, `${leftoverPrefix}${process.pid}-${randomUUID().slice(0, 8)}`)
  try {
    await fs.mkdir(fresh, 0o700)
    if (process.getuid?.() === 0) await letThrough(fresh, account.gid)
    const files = join(fresh, 'postgres')
    await fs.mkdir(files, 0o700)
    await changeOwner(files, named(account))
    const quick = settings['fsync'] === 'off' ? ['--no-sync'] : []
    const child = await run(setup, named(account), 'initdb', [...initdbOptions, ...quick, files])
    if (!(await waitUntil(() => hasEnded(child), deadline - Date.now()))) child.kill('SIGKILL')
    if (child.exitCode !== 0) throw await failure('PostgreSQL could not be set up', log)
    await changeOwner(files, account)
    await fs.rename(files, cluster).catch(ignore('ENOTEMPTY', 'EEXIST'))
    await sync(folder)
  } finally {
    await remove(fresh)
  }
}

async function sync(folder: string): Promise<void> {
  await using handle = await fs.open(folder)
  await handle.sync()
}

/** PostgreSQL refuses group-writable files, which some volumes create at each mount. */
async function closeToOthers(cluster: string): Promise<void> {
  const { mode } = await fs.stat(cluster)
  if ((mode & 0o027) === 0) return
  await fs.chmod(cluster, 0o700).catch((cause: Error) => {
    throw new StartupError(`${cluster} is open to other users (${cause.message}). As its owner, run chmod 700 on it.`, {
      cause,
    })
  })
}
