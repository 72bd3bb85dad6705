import { type CopyToStreamQuery, to as copyTo } from 'pg-copy-streams'

import type { ConnectionPool } from './pool.ts'
import { sendBegin, sendPlain } from './statements.ts'

/** A `copy` lasts as long as its client reads. */
const limitMs = 4 * 60 * 60_000

// Runs a `copy … to stdout`, read as fast as the stream is, so that a slow reader costs no memory. Destroying the stream before
// its end cancels the statement. `logged` is the statement without values.
export async function copyOut(
  pool: ConnectionPool,
  statement: string,
  { logged = statement, signal }: { logged?: string; signal?: AbortSignal } = {},
): Promise<CopyToStreamQuery> {
  const { client, release } = await pool.acquire(signal)
  try {
    await sendBegin(client, pool.schema, limitMs)
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
