import { type CopyToStreamQuery, to as copyTo } from 'pg-copy-streams'

import { begin } from './limits.ts'
import type { ConnectionPool } from './pool.ts'
import { sendPlain } from './statements.ts'

/** Milliseconds that a `copy` may take. It lasts as long as its client reads. */
const limit = 4 * 60 * 60_000

/**
 * Runs a `copy … to stdout`. PostgreSQL is read as fast as the stream is, so a slow reader costs no memory.
 * A stream that is destroyed before its end cancels the statement and closes the connection.
 *
 * @param logged what the log says of it: it without values, if it has some
 * @param signal aborted when it is no longer wanted: nothing waits for a connection then
 * @throws Problem store_unavailable or too_busy
 */
export async function copyOut(
  pool: ConnectionPool,
  statement: string,
  { logged = statement, signal }: { logged?: string; signal?: AbortSignal } = {},
): Promise<CopyToStreamQuery> {
  const { client, release } = await pool.acquire(signal)
  try {
    await sendPlain(client, begin(limit))
  } catch (error) {
    release(true)
    throw pool.unavailable(error)
  }
  pool.echo(logged)
  const stream = client.query(copyTo(statement))
  let isWhole = false
  stream.once('end', () => (isWhole = true))
  stream.once('close', () => {
    if (!isWhole) return release(true)
    sendPlain(client, 'commit').then(
      () => release(false),
      () => release(true),
    )
  })
  return stream
}
