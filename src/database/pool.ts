import type { Readable } from 'node:stream'

import type { PostgresPool, PostgresPoolClient } from 'kysely'
import { type ClientConfig, Pool, type PoolClient, type QueryResult } from 'pg'
import { to as copyTo } from 'pg-copy-streams'
import type { Logger } from 'pino'

import { type Problem, storeUnavailable } from '../problems.ts'
import { seldom } from '../seldom.ts'
import { getTypeParser } from './numbers.ts'
import { refuseStandby } from './standby.ts'
import { statementName } from './statement-name.ts'
import { isUnavailable } from './unavailable.ts'

/** How to reach a PostgreSQL: by TCP, or by the folder of its Unix socket as `host`. */
export interface Server {
  host: string
  port: number
  user: string
  password?: string | undefined
  database: string
}

export interface PoolOptions {
  schema: string
  /** Connections that stay open, and those that may be opened beyond them. */
  size: number
  overflow: number
  /** Whether to log each statement (its text: parameters may be secrets). */
  echo: boolean
}

/** How a statement is run. */
interface Way {
  isPrepared: boolean
  timeout: number
}

interface Borrowed {
  client: PoolClient
  giveBack: (isBroken: boolean) => void
}

/** Milliseconds. */
const [connectTimeout, queryTimeout, pingTimeout] = [5_000, 10_000, 2_000]
const [restedAfter, betweenWarnings] = [1_000, 10_000]

const usual: Way = { isPrepared: true, timeout: queryTimeout }

/** The settings of a plain pg client for `server`, its tables in `schema`. */
export function clientConfig(server: Server, schema: string): ClientConfig {
  return {
    ...server,
    application_name: 'stockroom',
    connectionTimeoutMillis: connectTimeout,
    keepAlive: true,
    // Poolers refuse start-up options, so only who asks for a schema sends one.
    ...(schema === 'public' ? {} : { options: `-c search_path=${schema}` }),
  }
}

/**
 * What Kysely asks of a pool, made of pg's: statements are prepared once a connection, under a name made of their text;
 * a connection that has rested is tried before it is lent; one that failed is not lent again.
 */
export class LendingPool implements PostgresPool {
  readonly #pool: Pool
  readonly #log: Logger
  readonly #warn: (cause: unknown) => void
  readonly #echo: boolean
  readonly #usedAt = new WeakMap<PoolClient, number>()
  #silentAt = -Infinity
  readonly options = {}

  constructor(server: Server, { schema, size, overflow, echo }: PoolOptions, log: Logger) {
    this.#pool = new Pool({
      ...clientConfig(server, schema),
      min: size,
      max: size + overflow,
      types: { getTypeParser },
      verify: refuseStandby,
    })
    // One that is lost while it is lent fails its query as well; unheard, the event would end the process.
    this.#pool.on('connect', (client) => client.on('error', () => {}))
    // The pool has dropped the connection already; the next request opens another.
    this.#pool.on('error', (error) => log.warn({ err: error }, 'an idle connection to PostgreSQL was lost'))
    this.#log = log
    this.#warn = seldom(betweenWarnings, (requests, err) => {
      log.warn({ err, requests }, 'PostgreSQL does not serve us: requests that need it are answered 503')
    })
    this.#echo = echo
  }

  async connect(): Promise<PostgresPoolClient> {
    const { query, release } = this.#lend(await this.borrow())
    return { query: query as unknown as PostgresPoolClient['query'], release }
  }

  /** Runs one statement. @throws Problem store_unavailable, or what PostgreSQL says of the statement */
  query(text: string, values: readonly unknown[]): Promise<QueryResult> {
    return this.#run(text, values, usual)
  }

  /** The same for a statement that seldom comes again: not prepared, and planned for these very values. @param timeout in ms */
  queryOnce(text: string, values: readonly unknown[], timeout = queryTimeout): Promise<QueryResult> {
    return this.#run(text, values, { isPrepared: false, timeout })
  }

  /**
   * Runs a `copy … to stdout`. PostgreSQL is read as fast as the stream is, so a slow reader costs no memory.
   * A stream that is destroyed before its end closes the connection, which ends the statement too.
   *
   * @param logged what the log says of it: it without values, if it has some
   */
  async copyOut(statement: string, logged = statement): Promise<Readable> {
    const { client, giveBack } = await this.borrow()
    this.echo(logged)
    const stream = client.query(copyTo(statement))
    let isWhole = false
    stream.once('end', () => (isWhole = true))
    stream.once('close', () => giveBack(!isWhole))
    return stream
  }

  /** What a request is answered whose statement failed because of `cause`. The log says so now and then. */
  unavailable(cause: unknown): Problem {
    this.#warn(cause)
    return storeUnavailable('PostgreSQL', cause)
  }

  /** Lends a connection as pg has it, with no limit to how long a statement takes. To be given back as broken after a failure. */
  async borrow(): Promise<Borrowed> {
    for (;;) {
      const client = await this.#pool.connect().catch((error: unknown) => {
        throw this.unavailable(error)
      })
      const giveBack = (isBroken: boolean) => {
        this.#usedAt.set(client, performance.now())
        client.release(isBroken)
      }
      if (await this.#answers(client)) return { client, giveBack }
      client.release(true)
    }
  }

  /** Logs a statement, if statements are to be logged. */
  echo(sql: string): void {
    if (this.#echo) this.#log.info({ sql }, 'statement')
  }

  end(): Promise<void> {
    return this.#pool.end()
  }

  async #run(text: string, values: readonly unknown[], way: Way): Promise<QueryResult> {
    const client = this.#lend(await this.borrow())
    try {
      return await client.query(text, values, way)
    } finally {
      client.release()
    }
  }

  async #answers(client: PoolClient): Promise<boolean> {
    const now = performance.now()
    const usedAt = this.#usedAt.get(client) ?? now
    if (now - usedAt < restedAfter) return true
    if (usedAt < this.#silentAt) return false
    const ping = { text: 'select 1', query_timeout: pingTimeout }
    return client.query(ping).then(
      () => true,
      () => {
        // Whatever silenced this one silenced the others that rest: they are not waited for as well.
        this.#silentAt = now
        return false
      },
    )
  }

  #lend({ client, giveBack }: Borrowed) {
    let failed = false
    const query = async (text: string, values: readonly unknown[], { isPrepared, timeout }: Way = usual) => {
      this.echo(text)
      // Not for the whole pool: it would end a list that takes longer, too.
      const name = isPrepared ? { name: statementName(text) } : {}
      const statement = { ...name, text, values: [...values], query_timeout: timeout }
      try {
        return await client.query(statement)
      } catch (error) {
        if (!isUnavailable(error)) throw error
        failed = true
        throw this.unavailable(error)
      }
    }
    return { query, release: () => giveBack(failed) }
  }
}
