import { Client as PgClient } from 'pg'

import { StartupError } from '../../startup-error.ts'
import { findPostmaster, type Postmaster } from './postmaster.ts'
import { administrator, clusterState, type ClusterState, completeCluster, isUsable, service } from './roles.ts'
import { hasCode, pause, processExists } from './system.ts'

/** Has a method that its types leave out. */
type Client = PgClient & { unref(): void }

/** A connection to a server: as long as it lasts it holds the lock that makes this process the owner, if that was free. */
export interface Attachment {
  client: Client
  /** Whether the connection is gone, and so the lock. */
  isLost: () => boolean
  /** The process that the server belongs to; undefined if that is this one. */
  ownerPid: number | undefined
}

interface Claim extends ClusterState {
  mine: boolean
  /** The process that holds the lock, if this one does not. */
  owner: number | null
}

/** Milliseconds. */
const answerTimeout = 5_000

/** How long an owner that lost its connection looks for who the owner is now. */
const renewTimeout = 10_000

/** What passes as soon as another process has come up or ended. */
const transientCodes = /^(57P0.|53...|08...|ECONN.*|ENOENT|EPIPE)$/

// The two-key form never meets the one-key locks, such as that of the migrations.
const takeLock = `
  select mine, ${clusterState},
    (select substring(application_name from '[0-9]+$')::int from pg_locks join pg_stat_activity using (pid)
      where locktype = 'advisory' and (classid, objid, objsubid) = (1937011571, 1, 2) and granted limit 1) as owner
  from (select pg_try_advisory_lock(1937011571, 1) as mine) as attempt`

/**
 * Connects to the server of `cluster` and claims it, if it has no owner. The role and the database of the service exist then.
 *
 * @throws Error, after which another attempt may succeed if it `isTransient`
 */
export async function attach(postmaster: Postmaster, cluster: string): Promise<Attachment> {
  const client = await connect(postmaster)
  try {
    const ownerPid = await claim(client, postmaster)
    // A server that shuts down lets the lock go before it cuts this connection.
    const now = await findPostmaster(cluster)
    if (now?.pid !== postmaster.pid || now.status !== 'ready') throw new Error('It is shutting down.')
    let lost = false
    client.once('end', () => (lost = true))
    client.unref()
    return { client, isLost: () => lost, ownerPid }
  } catch (error) {
    disconnect(client)
    throw error
  }
}

async function connect(postmaster: Postmaster): Promise<Client> {
  try {
    return await connectAs(postmaster, administrator)
  } catch (error) {
    // In a cluster of an earlier version the superuser has the name of the service.
    if (hasCode(error, '28000')) return connectAs(postmaster, service)
    throw error
  }
}

async function connectAs({ connection }: Postmaster, user: string): Promise<Client> {
  const timeouts = { connectionTimeoutMillis: answerTimeout, query_timeout: answerTimeout }
  const application_name = `stockroom owner ${process.pid}`
  const settings = { ...connection, ...timeouts, user, database: 'postgres', application_name, ssl: false }
  const client = new PgClient(settings) as Client
  client.on('error', () => {})
  await client.connect().catch((error: unknown) => {
    disconnect(client)
    throw error
  })
  return client
}

/** @returns undefined once `client` owns the server, or the process that does */
async function claim(client: Client, { connection }: Postmaster): Promise<number | undefined> {
  const begun = Date.now()
  while (Date.now() < begun + answerTimeout) {
    const { mine, owner, ...state }: Claim = (await client.query(takeLock)).rows[0]
    if (mine) {
      if (await completeCluster(client, connection, state)) throw new Error('Its roles have changed.')
      return undefined
    }
    // A process that was killed looks alive until it has let go of everything.
    if (isUsable(state) && owner !== null && processExists(owner) && Date.now() > begun + 250) return owner
    await pause()
  }
  throw new Error('Its owner neither serves nor ends.')
}

/** Whether the reason why `attach` failed may pass. */
export function isTransient(error: Error & { code?: string }): boolean {
  return !(error instanceof StartupError) && (error.code === undefined || transientCodes.test(error.code))
}

/**
 * Attaches again if the connection is lost: a server that crashed and recovered cut all of them, and the locks with them,
 * so it may have another owner since.
 *
 * @returns what holds now; undefined if that cannot be learned
 */
export async function renew(
  attachment: Attachment,
  postmaster: Postmaster,
  cluster: string,
): Promise<Attachment | undefined> {
  await attachment.client.query('select').catch(() => {})
  if (!attachment.isLost()) return attachment
  for (const end = Date.now() + renewTimeout; Date.now() < end; await pause()) {
    const renewed = await attach(postmaster, cluster).catch(() => undefined)
    if (renewed) return renewed
    if ((await findPostmaster(cluster))?.pid !== postmaster.pid) return undefined
  }
  return undefined
}

/** Closes the connection, and so lets the lock go. */
export function disconnect(client: Client): void {
  client.unref()
  client.end().catch(() => {})
}
