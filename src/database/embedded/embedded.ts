import { join } from 'node:path'

import { StartupError } from '../../startup-error.ts'
import { failure, findPrograms } from './binaries.ts'
import { openDataFolder } from './folder.ts'
import { assertTransient, type Launch, launch, type Setup } from './launch.ts'
import { attach, type Attachment, disconnect, isTransient, renew } from './ownership.ts'
import { findPostmaster, type Postmaster, shutDown } from './postmaster.ts'
import { administrator, service } from './roles.ts'
import { removeSocketFolder } from './sockets.ts'
import { hasEnded, pause } from './system.ts'

/** How to reach a server. `host` is the absolute folder of the Unix socket. */
export interface Connection {
  host: string
  port: number
  user: string
  database: string
}

/** A PostgreSQL that serves, and what this process has to do with it. */
export interface EmbeddedServer {
  /** As the role of the service, which owns its database and is no superuser. */
  connection: Connection
  /** As the superuser. */
  administration: Connection
  /** False when a server that was already running was adopted. */
  started: boolean
  /** The process that the server belongs to; undefined if that is the caller's. */
  ownerPid: number | undefined
  /**
   * Shuts the server down and waits until its process is gone. If the caller is not the owner, or no longer, it only disconnects.
   *
   * @throws StartupError if the process does not end
   */
  stop(): Promise<void>
}

export interface EmbeddedOptions {
  log(message: string): void
  /** Settings of the server, named as in postgresql.conf. */
  settings?: Record<string, string>
}

/** Milliseconds. */
const startTimeout = 30_000

/**
 * Starts the PostgreSQL that keeps its data in `dataDir`, or adopts the one that already serves there.
 *
 * @param dataDir made if missing
 * @throws StartupError within about 30 s, after which nothing runs that this call started
 */
export async function startEmbedded(dataDir: string, options: EmbeddedOptions): Promise<EmbeddedServer> {
  forgetLibpqSettings()
  const setup = await prepare(dataDir, options)
  const launches: Launch[] = []
  try {
    return await connect(setup, launches)
  } catch (error) {
    const postmaster = await findPostmaster(setup.cluster)
    const isOurs = launches.some(({ child }) => child.pid === postmaster?.pid)
    if (postmaster && isOurs) await shutDown(postmaster.pid, setup.cluster)
    throw error
  }
}

/** They are about other servers, and pg would read them here too: PGSSLMODE, PGOPTIONS, and so on. */
function forgetLibpqSettings(): void {
  for (const name of Object.keys(process.env)) if (/^PG[A-Z_]+$/.test(name)) delete process.env[name]
}

/** Adds to `launches` each server that it starts. */
async function connect(setup: Setup, launches: Launch[]): Promise<EmbeddedServer> {
  let problem = 'it is still starting'
  while (Date.now() < setup.deadline) {
    const postmaster = await findPostmaster(setup.cluster)
    const launched = launches.at(-1)
    if (postmaster?.status === 'ready') {
      const attachment = await attach(postmaster, setup.cluster).catch((error: Error) => {
        if (!isTransient(error))
          throw new StartupError(`PostgreSQL refused its owner: ${error.message}.`, { cause: error })
        problem = `process ${postmaster.pid}: ${error.message}`
      })
      if (attachment) return serve(setup, postmaster, attachment, launched?.child.pid === postmaster.pid)
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
  const deadline = Date.now() + startTimeout
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

function serve(setup: Setup, postmaster: Postmaster, attachment: Attachment, started: boolean): EmbeddedServer {
  const { pid } = postmaster
  const connection = { ...postmaster.connection, user: service, database: service }
  const administration = { ...connection, user: administrator }
  const { ownerPid } = attachment
  setup.log(`PostgreSQL ${started ? 'started' : 'adopted'} (process ${pid})`)
  let stopping: Promise<void> | undefined
  const stop = () => (stopping ??= stopServing(setup.cluster, postmaster, attachment))
  return { connection, administration, started, ownerPid, stop }
}

async function stopServing(cluster: string, postmaster: Postmaster, attachment: Attachment): Promise<void> {
  const isOwner = attachment.ownerPid === undefined
  const now = isOwner ? await renew(attachment, postmaster, cluster) : attachment
  if (now && now.ownerPid === undefined) {
    await shutDown(postmaster.pid, cluster)
    await removeSocketFolder(postmaster.connection.host)
  }
  disconnect((now ?? attachment).client)
}
