import * as fs from 'node:fs/promises'
import { basename, join } from 'node:path'

import { assertTransient, type Launch, launch, type Setup } from './launch.ts'
import { attach, type Attachment, disconnect, isTransient, renew } from './ownership.ts'
import { findPostmaster, type Postmaster, shutDown } from './postmaster.ts'
import { failure, findPrograms } from './programs.ts'
import { hasEnded, pause } from './system.ts'

/** A PostgreSQL that serves, and what this process has to do with it. */
export interface EmbeddedServer {
  /** `host` is the absolute folder of the Unix socket. */
  connection: { host: string; port: number; user: string; database: string }
  /** False when a server that was already running was adopted. */
  started: boolean
  /** The process that the server belongs to; undefined if that is the caller's. */
  ownerPid: number | undefined
  /**
   * Shuts the server down and waits until its process is gone; for a caller who isn't the owner, only disconnects.
   *
   * @throws Error if the process does not end
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
 * @throws Error within about 30 s, quoting the end of the server's log
 */
export async function startEmbedded(dataDir: string, options: EmbeddedOptions): Promise<EmbeddedServer> {
  const setup = await prepare(dataDir, options)
  let launched: Launch | undefined
  let problem = 'it is still starting'
  while (Date.now() < setup.deadline) {
    const postmaster = await findPostmaster(setup.cluster)
    if (postmaster?.status === 'ready') {
      const attachment = await attach(postmaster, setup.cluster).catch((error: Error) => {
        if (!isTransient(error)) throw error
        problem = `process ${postmaster.pid}: ${error.message}`
      })
      if (attachment) return serve(setup, postmaster, attachment, launched?.child.pid === postmaster.pid)
    } else if (!postmaster && (!launched || hasEnded(launched.child))) {
      if (launched) await assertTransient(launched)
      launched = await launch(setup)
    }
    await pause()
  }
  const log = launched?.log ?? { file: setup.logFile, start: 0 }
  throw await failure(`PostgreSQL did not come up in time: ${problem}`, log)
}

async function prepare(dataDir: string, options: EmbeddedOptions): Promise<Setup> {
  const deadline = Date.now() + startTimeout
  const programs = await findPrograms()
  await fs.mkdir(dataDir, { recursive: true, mode: 0o700 })
  const folder = await fs.realpath(dataDir)
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
  const { pid, connection } = postmaster
  const { ownerPid } = attachment
  setup.log(`PostgreSQL ${started ? 'started' : 'adopted'} (process ${pid})`)
  let stopping: Promise<void> | undefined
  const stop = () => (stopping ??= stopServing(setup.cluster, postmaster, attachment))
  return { connection, started, ownerPid, stop }
}

async function stopServing(cluster: string, postmaster: Postmaster, attachment: Attachment): Promise<void> {
  const isOwner = attachment.ownerPid === undefined
  const { client, ownerPid } = isOwner ? await renew(attachment, postmaster, cluster) : attachment
  if (ownerPid === undefined) {
    await shutDown(postmaster.pid, cluster)
    const sockets = postmaster.connection.host
    if (basename(sockets).startsWith('stockroom-')) await fs.rmdir(sockets).catch(() => {})
  }
  disconnect(client)
}
