import { pipeline } from 'node:stream/promises'

import type { PoolClient, QueryResult } from 'pg'
import { from as copyFrom } from 'pg-copy-streams'

import { decide, isUnavailable } from './errors.ts'
import { type ConnectionPool } from './pool.ts'

/**
 * Milliseconds after which PostgreSQL ends a statement, in which the statement is given up if PostgreSQL did not, in which
 * PostgreSQL has to take something of a `copy`, and in which it notices that the client has closed the connection.
 */
const statementTimeout = 10 * 60_000
const queryTimeout = statementTimeout + 10_000
const copyPatience = 60_000
const checkInterval = 500

/** Milliseconds that a statement waits for a lock: another import may hold it until it is merged. */
const lockTimeout = 9 * 60_000

/** A transaction on a connection of its own, whose statements may take minutes. */
export interface Session {
  /** @throws Problem store_unavailable, or what PostgreSQL says of the statement */
  query<Row extends object>(text: string, values?: unknown[]): Promise<QueryResult<Row>>
  /**
   * Runs a `copy … from stdin` of what `text` gives, whose signal is aborted when PostgreSQL takes no more.
   *
   * @throws the same, and what `text` throws
   */
  copyIn(statement: string, text: (signal: AbortSignal) => AsyncGenerator<string>): Promise<void>
}

// Not every platform can look after its clients, so PostgreSQL may refuse the first of these.
const settings = `
  do $$ begin
    perform set_config('client_connection_check_interval', '${checkInterval}', true);
  exception when others then null;
  end $$;
  set local statement_timeout = ${statementTimeout};
  set local lock_timeout = ${lockTimeout}`

/**
 * Runs `work` in a transaction, which is rolled back if it throws. When `signal` is aborted the connection is closed,
 * so that PostgreSQL gives up as well.
 *
 * @throws Problem store_unavailable, what `work` throws, and the reason why `signal` was aborted
 */
export async function withLongTransaction<Result>(
  pool: ConnectionPool,
  signal: AbortSignal,
  work: (session: Session) => Promise<Result>,
): Promise<Result> {
  const { client, release } = await pool.acquire(signal)
  let isGivenBack = false
  const end = (isBroken: boolean) => {
    if (!isGivenBack) release(isBroken)
    isGivenBack = true
  }
  const abandon = () => end(true)
  signal.addEventListener('abort', abandon)
  try {
    const session = openSession(pool, client, abandon)
    await session.query('begin isolation level read committed')
    await session.query(settings)
    const result = await work(session)
    await session.query('commit')
    end(false)
    return result
  } catch (error) {
    // Closed, it is rolled back, whatever state it is in.
    end(true)
    if (signal.aborted) throw signal.reason
    throw decide(error) === 'retry' ? pool.unavailable(error) : error
  } finally {
    signal.removeEventListener('abort', abandon)
  }
}

function openSession(pool: ConnectionPool, client: PoolClient, abandon: () => void): Session {
  const explain = (error: unknown): never => {
    throw isUnavailable(error) ? pool.unavailable(error) : error
  }
  return {
    query<Row extends object>(text: string, values: unknown[] = []) {
      pool.echo(text)
      const statement = { text, values, query_timeout: queryTimeout }
      return client.query<Row>(statement).catch(explain)
    },
    async copyIn(statement, text) {
      let ofText: unknown
      let late: NodeJS.Timeout | undefined
      const taking = new AbortController()
      const pieces = async function* () {
        try {
          for await (const piece of text(taking.signal)) {
            late = setTimeout(abandon, copyPatience)
            yield piece
            clearTimeout(late)
          }
        } catch (error) {
          if (!taking.signal.aborted) ofText = error
          throw error
        } finally {
          clearTimeout(late)
        }
      }
      pool.echo(statement)
      const copy = client.query(copyFrom(statement))
      copy.once('error', () => taking.abort())
      await pipeline(pieces, copy).catch((error: unknown) => {
        if (ofText !== undefined) throw ofText
        explain(error)
      })
    },
  }
}
