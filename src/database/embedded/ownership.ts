import { Client as PgClient } from 'pg'

import { findPostmaster, type Postmaster } from './postmaster.ts'
import { pause, processExists } from './system.ts'

/** Has a method that its types leave out. */
type Client = PgClient & { unref(): void }

/** A connection to a server: as long as it lasts it holds the lock that makes this process the owner, if that was free. */
export interface Attachment {
  client: Client
  /** The process that the server belongs to; undefined if that is this one. */
  ownerPid: number | undefined
}

/** Milliseconds. */
const answerTimeout = 5_000

/** What passes as soon as another process has come up or ended. */
const transientCodes = /^(57P0.|53...|08...|ECONN.*|ENOENT|EPIPE)$/

// The two-key form never meets the one-key locks, such as that of the migrations.
const takeLock = `
  select mine, exists (select from pg_database where datname = 'stockroom') as complete,
    (select substring(application_name from '[0-9]+$')::int from pg_locks join pg_stat_activity using (pid)
      where locktype = 'advisory' and (classid, objid, objsubid) = (1937011571, 1, 2) and granted limit 1) as owner
  from (select pg_try_advisory_lock(1937011571, 1) as mine) as attempt`

const createDatabase = { text: 'create database stockroom', query_timeout: 30_000 }

/**
 * Connects to the server of `cluster` and claims it, if nobody has. Its database exists then.
 *
 * @throws Error, after which another attempt may succeed if it `isTransient`
 */
export async function attach({ pid, connection }: Postmaster, cluster: string): Promise<Attachment> {
  const timeouts = { connectionTimeoutMillis: answerTimeout, query_timeout: answerTimeout }
  const application_name = `stockroom owner ${process.pid}`
  const settings = { ...connection, ...timeouts, database: 'postgres', application_name, ssl: false }
  const client = new PgClient(settings) as Client
  client.on('error', () => {})
  try {
    await client.connect()
    const ownerPid = await claim(client)
    // A server that shuts down lets the lock go before it cuts this connection.
    const now = await findPostmaster(cluster)
    if (now?.pid !== pid || now.status !== 'ready') throw new Error('It is shutting down.')
    client.unref()
    return { client, ownerPid }
  } catch (error) {
    disconnect(client)
    throw error
  }
}

/** @returns undefined once `client` owns the server, or the process that does; the database exists then */
async function claim(client: Client): Promise<number | undefined> {
  const begun = Date.now()
  while (Date.now() < begun + answerTimeout) {
    const { mine, complete, owner } = (await client.query(takeLock)).rows[0]
    if (mine && !complete) await client.query(createDatabase)
    if (mine) return undefined
    // A process that was killed looks alive until it has let go of everything.
    if (complete && owner !== null && processExists(owner) && Date.now() > begun + 250) return owner
    await pause()
  }
  throw new Error('Its owner neither serves nor ends.')
}

/** Whether the reason why `attach` failed may pass. */
export function isTransient({ code }: NodeJS.ErrnoException): boolean {
  return code === undefined || transientCodes.test(code)
}

/**
 * Attaches again if the connection is lost: a server that crashed and recovered cut all of them, and the locks with them,
 * so it may have another owner since.
 *
 * @returns what holds now; `attachment` if the server is out of reach
 */
export async function renew(attachment: Attachment, postmaster: Postmaster, cluster: string): Promise<Attachment> {
  try {
    await attachment.client.query('select')
    return attachment
  } catch {
    return attach(postmaster, cluster).catch(() => attachment)
  }
}

/** Closes the connection, and so lets the lock go. */
export function disconnect(client: Client): void {
  client.unref()
  client.end().catch(() => {})
}
