import type { PostgresPool, PostgresPoolClient } from 'kysely'
import type { QueryResult } from 'pg'
import type { Logger } from 'pino'

import { type Semaphore, openSemaphore } from '../concurrency/semaphore.ts'
import { throttle } from '../concurrency/throttle.ts'
import { Problem, storeUnavailable } from '../problems.ts'
import { busy, decide, isCanceled } from './errors.ts'
import { begin, usualLimit } from './limits.ts'
import { retry } from './retry.ts'
import { clientConfig, type Server } from './server.ts'
import { send, sendPlain, type Statement } from './statements.ts'
import { type Lease, ValidatingPool } from './validating-pool.ts'

export interface PoolOptions {
  schema: string
  /** Connections that stay open, and those that may be opened beyond them. */
  size: number
  overflow: number
  /** Whether to log each statement (its text: parameters may be secrets). */
  echo: boolean
}

/** Milliseconds. */
const betweenWarnings = 10_000

/**
 * What Kysely asks of a pool: statements are prepared once a connection, under a name made of their text, and end in time.
 *
 * A fifth of the connections, but at least one, is reserved for `query` and `connect`: work that may take long has the rest.
 */
export class ConnectionPool implements PostgresPool {
  readonly #connections: ValidatingPool
  readonly #log: Logger
  readonly #warnUnavailable: (cause: unknown) => void
  readonly #warnBusy: (cause: unknown) => void
  readonly #echo: boolean
  /** Places of work that may take long. */
  readonly #bulk: Semaphore
  readonly options = {}

  constructor(server: Server, { schema, size, overflow, echo }: PoolOptions, log: Logger) {
    const most = size + overflow
    this.#connections = new ValidatingPool(server, { ...clientConfig(server, schema), min: size, max: most }, log)
    this.#log = log
    this.#warnUnavailable = throttle(betweenWarnings, (requests, err) => {
      log.warn({ err, requests }, 'PostgreSQL is unavailable; requests that need it get 503')
    })
    this.#warnBusy = throttle(betweenWarnings, (requests, err) => {
      log.warn({ err, requests }, 'statements were rolled back; their requests get 503')
    })
    this.#echo = echo
    this.#bulk = openSemaphore({ permits: Math.max(1, most - Math.ceil(most / 5)), maxQueue: 256, timeout: 3_000 })
  }

  /** For transactions. They have the isolation and the limits that the service needs, whatever they are begun with. */
  async connect(): Promise<PostgresPoolClient> {
    const { client, release } = await this.#take()
    let isBroken = false
    const query = async (text: string, values: readonly unknown[]) => {
      this.echo(text)
      try {
        if (/^(?:begin|start transaction)\b/.test(text)) return await sendPlain(client, begin(usualLimit))
        return await send(client, { text, values, isPrepared: true, limit: usualLimit }, true)
      } catch (error) {
        isBroken ||= breaksConnection(error)
        // All of the transaction may be tried again.
        throw decide(error) === 'retry' ? error : this.#explain(error)
      }
    }
    return { query: query as unknown as PostgresPoolClient['query'], release: () => release(isBroken) }
  }

  /**
   * Runs one statement, again if others got in its way.
   *
   * @throws Problem store_unavailable or too_busy, or what PostgreSQL says of the statement
   */
  query(text: string, values: readonly unknown[]): Promise<QueryResult> {
    return this.#run({ text, values, isPrepared: true, limit: usualLimit }, () => this.#take())
  }

  /**
   * The same for a statement that may take long and seldom comes again: not prepared, planned for these very values, and on
   * no reserved connection.
   *
   * @param limit ms that PostgreSQL may take
   */
  queryOnce(text: string, values: readonly unknown[], limit = usualLimit): Promise<QueryResult> {
    return this.#run({ text, values, isPrepared: false, limit }, () => this.acquire())
  }

  /** The same. @returns undefined if PostgreSQL is not done after `limit` ms */
  async queryWithin(limit: number, text: string, values: readonly unknown[]): Promise<QueryResult | undefined> {
    try {
      return await this.#tryRun({ text, values, isPrepared: false, limit }, () => this.acquire())
    } catch (error) {
      if (!isCanceled(error)) throw this.#explain(error)
      return undefined
    }
  }

  /** What a request is answered whose statement failed because of `cause`. The log says so now and then. */
  unavailable(cause: unknown): Problem {
    const decision = decide(cause)
    if (decision === 'busy' || decision === 'retry') {
      this.#warnBusy(cause)
      return busy(cause)
    }
    this.#warnUnavailable(cause)
    return storeUnavailable('PostgreSQL', cause)
  }

  /**
   * Lends a connection as pg has it, with no limit to how long it is kept, but not one that is reserved. To be given back as
   * broken after a failure: what still runs on it is canceled then.
   *
   * @param signal aborted when it is no longer wanted
   * @throws Problem store_unavailable or too_busy; the reason of `signal`
   */
  async acquire(signal?: AbortSignal): Promise<Lease> {
    using permits = new DisposableStack()
    permits.use(await this.#bulk.acquire(undefined, signal))
    const { release, ...lease } = await this.#take()
    if (signal?.aborted) {
      release(false)
      throw signal.reason
    }
    const held = permits.move()
    return {
      ...lease,
      release(isBroken) {
        release(isBroken)
        held.dispose()
      },
    }
  }

  /** Logs a statement, if statements are to be logged. */
  echo(sql: string): void {
    if (this.#echo) this.#log.info({ sql }, 'statement')
  }

  /** Cancels every statement that runs. */
  cancelAll(): Promise<void> {
    return this.#connections.cancelAll()
  }

  end(): Promise<void> {
    return this.#connections.end()
  }

  async #run(statement: Statement, take: () => Promise<Lease>): Promise<QueryResult> {
    try {
      return await this.#tryRun(statement, take)
    } catch (error) {
      throw this.#explain(error)
    }
  }

  #tryRun(statement: Statement, take: () => Promise<Lease>): Promise<QueryResult> {
    return retry(() => this.#runOnce(statement, take), ['retry', 'renew'])
  }

  async #runOnce(statement: Statement, take: () => Promise<Lease>): Promise<QueryResult> {
    const { client, isLimited, release } = await take()
    let isBroken = false
    try {
      this.echo(statement.text)
      return await send(client, statement, isLimited && statement.limit === usualLimit)
    } catch (error) {
      isBroken = breaksConnection(error)
      throw error
    } finally {
      release(isBroken)
    }
  }

  #take(): Promise<Lease> {
    return this.#connections.take().catch((error: unknown) => {
      throw this.unavailable(error)
    })
  }

  #explain(error: unknown): unknown {
    if (error instanceof Problem) return error
    return decide(error) === 'bug' ? error : this.unavailable(error)
  }
}

function breaksConnection(error: unknown): boolean {
  return ['unavailable', 'renew'].includes(decide(error))
}
