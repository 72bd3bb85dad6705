import { join } from 'node:path'

import { StartupError } from '../../startup-error.ts'
import { failure, findPrograms } from './binaries.ts'
import { openDataFolder } from './folder.ts'
import { assertTransient, type Launch, launch, type Setup } from './launch.ts'
import { acquireOwnership, type OwnershipLock, disconnect, isTransient, reacquire } from './ownership.ts'
import { findPostmaster, type Postmaster, shutDown } from './postmaster.ts'
import { administrator, service } from './roles.ts'
import { removeSocketFolder } from './sockets.ts'
import { hasEnded, pause } from './system.ts'

export interface Connection {
  host: string
  port: number
  user: string
  database: string
}

export interface EmbeddedServer {
  connection: Connection
  administration: Connection
  started: boolean
  /** The process that owns the server; undefined if it is this one. */
  ownerPid: number | undefined
  /** Stops the server and waits for its process. Only disconnects unless this process owns it. @throws StartupError */
  stop(): Promise<void>
}

export interface EmbeddedOptions {
  log(message: string): void
  settings?: Record<string, string>
}

const startTimeoutMs = 30_000

export async function startEmbedded(dataDir: string, options: EmbeddedOptions): Promise<EmbeddedServer> {
  forgetLibpqSettings()
  const setup = await prepare(dataDir, options)
  const launches: Launch[] = []
  try {
    return await connect(setup, launches)
  } catch (error) {
    const postmaster = await findPostmaster(setup.cluster)
    const isOwn = launches.some(({ child }) => child.pid === postmaster?.pid)
    if (postmaster && isOwn) await shutDown(postmaster.pid, setup.cluster)
    throw error
  }
}

/** They are meant for other servers, and pg would read them here too: PGSSLMODE, PGOPTIONS, and so on. */
function forgetLibpqSettings(): void {
  for (const name of Object.keys(process.env)) if (/^PG[A-Z_]+$/.test(name)) delete process.env[name]
}

async function connect(setup: Setup, launches: Launch[]): Promise<EmbeddedServer> {
  let problem = 'it is still starting'
  while (Date.now() < setup.deadline) {
    const postmaster = await findPostmaster(setup.cluster)
    const launched = launches.at(-1)
    if (postmaster?.status === 'ready') {
      const lock = await acquireOwnership(postmaster, setup.cluster).catch((error: Error) => {
        if (!isTransient(error))
          throw new StartupError(`PostgreSQL refused its owner: ${error.message}.`, { cause: error })
        problem = `process ${postmaster.pid}: ${error.message}`
      })
      if (lock) return serve(setup, postmaster, lock, launched?.child.pid === postmaster.pid)
    } else if (!postmaster && (!launched || hasEnded(launched.child))) {
      if (launched) await assertTransient(launched)
      launches.push(await launch(setup))
    }
    await pause()
  }
  const log = launches.at(-1)?.log ?? { file: setup.logFile, start: 0 }
  throw await failure(`PostgreSQL did not start in time: ${problem}`, log)
}

async function prepare(dataDir: string, options: EmbeddedOptions): Promise<Setup> {
  const deadline = Date.now() + startTimeoutMs
  const programs = await findPrograms()
  const folder = await openDataFolder(dataDir)
  return {
    folder,
    cluster: join(folder, 'postgres'),
    logFile: join(folder, 'postgres.log'),
    programs,
    settings: options.settings ?? {},
    deadline,
    log: (message) => options.log(message),
  }
}

function serve(setup: Setup, postmaster: Postmaster, lock: OwnershipLock, started: boolean): EmbeddedServer {
  const { pid } = postmaster
  const connection = { ...postmaster.connection, user: service, database: service }
  const administration = { ...connection, user: administrator }
  const { ownerPid } = lock
  setup.log(`PostgreSQL ${started ? 'started' : 'adopted'} (process ${pid})`)
  let stopping: Promise<void> | undefined
  const stop = () => (stopping ??= stopServing(setup.cluster, postmaster, lock))
  return { connection, administration, started, ownerPid, stop }
}

async function stopServing(cluster: string, postmaster: Postmaster, lock: OwnershipLock): Promise<void> {
  const isOwner = lock.ownerPid === undefined
  const now = isOwner ? await reacquire(lock, postmaster, cluster) : lock
  if (now && now.ownerPid === undefined) {
    await shutDown(postmaster.pid, cluster)
    await removeSocketFolder(postmaster.connection.host)
  }
  disconnect((now ?? lock).client)
}
