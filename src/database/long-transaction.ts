import { pipeline } from 'node:stream/promises'

import type { PoolClient, QueryResult } from 'pg'
import { from as copyFrom } from 'pg-copy-streams'

import { Problem } from '../problems.ts'
import { decide, isUnavailable } from './errors.ts'
import { selectIsStandby } from './limits.ts'
import { type ConnectionPool } from './pool.ts'
import { assertPrimary } from './statements.ts'

const statementTimeoutMs = 10 * 60_000
const queryTimeoutMs = statementTimeoutMs + 10_000
const copyTimeoutMs = 60_000
const rollbackTimeoutMs = 5_000
const checkIntervalMs = 500

/** Another import may hold the lock until it is merged. */
const lockTimeoutMs = 9 * 60_000

export interface Session {
  query<Row extends object>(text: string, values?: readonly unknown[]): Promise<QueryResult<Row>>
  copyIn(statement: string, text: (signal: AbortSignal) => AsyncGenerator<string>): Promise<void>
}

// Not every platform supports this setting, so PostgreSQL may reject it.
const settings = (schema: string) => `
  do $$ begin
    perform set_config('client_connection_check_interval', '${checkIntervalMs}', true);
  exception when others then null;
  end $$;
  set local search_path = '${schema}';
  set local statement_timeout = ${statementTimeoutMs};
  set local lock_timeout = ${lockTimeoutMs};
  set local plan_cache_mode = auto;
  ${selectIsStandby}`

// A transaction whose statements may take minutes. Aborting `signal` closes the connection, so that PostgreSQL aborts as well.
export async function withLongTransaction<Result>(
  pool: ConnectionPool,
  signal: AbortSignal,
  work: (session: Session) => Promise<Result>,
): Promise<Result> {
  const { client, release } = await pool.acquire(signal)
  let isReleased = false
  const finish = (isBroken: boolean) => {
    if (!isReleased) release(isBroken)
    isReleased = true
  }
  const abort = () => finish(true)
  signal.addEventListener('abort', abort)
  try {
    const session = openSession(pool, client, abort)
    await session.query('begin isolation level read committed')
    await session
      .query(settings(pool.schema))
      .then(assertPrimary)
      .catch((error: unknown) => {
        throw pool.unavailable(error)
      })
    const result = await work(session)
    await session.query('commit')
    finish(false)
    return result
  } catch (error) {
    const isRolledBack = isRefusal(error) && !signal.aborted && (await rollBack(client))
    // Closing the connection rolls back as well, whatever its state, but possibly after the response.
    finish(!isRolledBack)
    if (signal.aborted) throw signal.reason
    throw decide(error) === 'retry' ? pool.unavailable(error) : error
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** Whether `work` threw because of the request, so that the connection is good. */
function isRefusal(error: unknown): boolean {
  return error instanceof Problem && error.cause === undefined
}

/** Ends the locks of the transaction before the client can send its next request. */
async function rollBack(client: PoolClient): Promise<boolean> {
  const statement = { text: 'rollback', query_timeout: rollbackTimeoutMs }
  return await client.query(statement).then(
    () => true,
    () => false,
  )
}

function openSession(pool: ConnectionPool, client: PoolClient, abort: () => void): Session {
  const explain = (error: unknown): never => {
    throw isUnavailable(error) ? pool.unavailable(error) : error
  }
  return {
    query<Row extends object>(text: string, values: readonly unknown[] = []) {
      pool.echo(text)
      const statement = { text, values: [...values], query_timeout: queryTimeoutMs }
      return client.query<Row>(statement).catch(explain)
    },
    async copyIn(statement, text) {
      let sourceError: unknown
      let timer: NodeJS.Timeout | undefined
      const copyAbort = new AbortController()
      const chunks = async function* () {
        try {
          for await (const chunk of text(copyAbort.signal)) {
            timer = setTimeout(abort, copyTimeoutMs)
            yield chunk
            clearTimeout(timer)
          }
        } catch (error) {
          if (!copyAbort.signal.aborted) sourceError = error
          throw error
        } finally {
          clearTimeout(timer)
        }
      }
      pool.echo(statement)
      const copy = client.query(copyFrom(statement))
      copy.once('error', () => copyAbort.abort())
      await pipeline(chunks, copy).catch((error: unknown) => {
        if (sourceError !== undefined) throw sourceError
        explain(error)
      })
    },
  }
}
