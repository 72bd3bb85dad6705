import { Client as PgClient } from 'pg'

import { StartupError } from '../../startup-error.ts'
import { findPostmaster, type Postmaster } from './postmaster.ts'
import { administrator, clusterState, type ClusterState, completeCluster, isUsable, service } from './roles.ts'
import { hasCode, pause, processExists } from './system.ts'

/** pg's types omit this method. */
type Client = PgClient & { unref(): void }

/** While it is open, this connection holds the lock that makes its process the owner. */
export interface OwnershipLock {
  client: Client
  isLost: () => boolean
  ownerPid: number | undefined
}

interface Claim extends ClusterState {
  mine: boolean
  owner: number | null
}

const responseTimeoutMs = 5_000

const reacquireTimeoutMs = 10_000

/** These failures pass when another process has started or stopped. */
const transientCodes = /^(57P0.|53...|08...|ECONN.*|ENOENT|EPIPE)$/

// Two-key locks never conflict with one-key locks, such as that of migrations.
const takeLock = `
  select mine, ${clusterState},
    (select substring(application_name from '[0-9]+$')::int from pg_locks join pg_stat_activity using (pid)
      where locktype = 'advisory' and (classid, objid, objsubid) = (1937011571, 1, 2) and granted limit 1) as owner
  from (select pg_try_advisory_lock(1937011571, 1) as mine) as attempt`

/** Connects to the server of `cluster`, and claims it if it has no owner. */
export async function acquireOwnership(postmaster: Postmaster, cluster: string): Promise<OwnershipLock> {
  const client = await connect(postmaster)
  try {
    const ownerPid = await claim(client, postmaster)
    // A server that shuts down releases the lock before it closes this connection.
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
    // In a cluster of an earlier version, the superuser has the name of the service.
    if (hasCode(error, '28000')) return connectAs(postmaster, service)
    throw error
  }
}

async function connectAs({ connection }: Postmaster, user: string): Promise<Client> {
  const timeouts = { connectionTimeoutMillis: responseTimeoutMs, query_timeout: responseTimeoutMs }
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

async function claim(client: Client, { connection }: Postmaster): Promise<number | undefined> {
  const begun = Date.now()
  while (Date.now() < begun + responseTimeoutMs) {
    const { mine, owner, ...state }: Claim = (await client.query(takeLock)).rows[0]
    if (mine) {
      if (await completeCluster(client, connection, state)) throw new Error('Its roles have changed.')
      return undefined
    }
    // A killed process looks alive until all its resources are freed.
    if (isUsable(state) && owner !== null && processExists(owner) && Date.now() > begun + 250) return owner
    await pause()
  }
  throw new Error('Its owner neither serves nor ends.')
}

export function isTransient(error: Error & { code?: string }): boolean {
  return !(error instanceof StartupError) && (error.code === undefined || transientCodes.test(error.code))
}

// Reconnects: a server that crashed and recovered has dropped all locks, so another process may own it now.
export async function reacquire(
  lock: OwnershipLock,
  postmaster: Postmaster,
  cluster: string,
): Promise<OwnershipLock | undefined> {
  await lock.client.query('select').catch(() => {})
  if (!lock.isLost()) return lock
  for (const end = Date.now() + reacquireTimeoutMs; Date.now() < end; await pause()) {
    const reacquired = await acquireOwnership(postmaster, cluster).catch(() => undefined)
    if (reacquired) return reacquired
    if ((await findPostmaster(cluster))?.pid !== postmaster.pid) return undefined
  }
  return undefined
}

export function disconnect(client: Client): void {
  client.unref()
  client.end().catch(() => {})
}
