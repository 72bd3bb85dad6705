import type { PostgresPool, PostgresPoolClient } from 'kysely'
import type { QueryResult } from 'pg'
import type { Logger } from 'pino'

import { type Semaphore, openSemaphore } from '../concurrency/semaphore.ts'
import { throttle } from '../concurrency/throttle.ts'
import { Problem, storeUnavailable } from '../problems.ts'
import { busy, decide, isCanceled } from './errors.ts'
import { begin, usualLimitMs } from './limits.ts'
import { retry } from './retry.ts'
import { clientConfig, type Server } from './server.ts'
import { send, sendPlain, type Statement } from './statements.ts'
import { type Lease, ValidatingPool } from './validating-pool.ts'

export interface PoolOptions {
  schema: string
  size: number
  overflow: number
  echo: boolean
}

const warningIntervalMs = 10_000

// Statements are prepared once per connection, under a name derived from their text, and time out. A fifth of the connections,
// and at least one, is reserved for `query` and `connect`, so that slow work cannot occupy all.
export class ConnectionPool implements PostgresPool {
  readonly #connections: ValidatingPool
  readonly #log: Logger
  readonly #warnUnavailable: (cause: unknown) => void
  readonly #warnBusy: (cause: unknown) => void
  readonly #echo: boolean
  readonly #bulk: Semaphore
  readonly options = {}

  constructor(server: Server, { schema, size, overflow, echo }: PoolOptions, log: Logger) {
    const max = size + overflow
    this.#connections = new ValidatingPool(server, { ...clientConfig(server, schema), min: size, max }, log)
    this.#log = log
    this.#warnUnavailable = throttle(warningIntervalMs, (requests, err) => {
      log.warn({ err, requests }, 'PostgreSQL is unavailable; requests that need it get 503')
    })
    this.#warnBusy = throttle(warningIntervalMs, (requests, err) => {
      log.warn({ err, requests }, 'statements were rolled back; their requests get 503')
    })
    this.#echo = echo
    this.#bulk = openSemaphore({ permits: Math.max(1, max - Math.ceil(max / 5)), maxQueue: 256, timeout: 3_000 })
  }

  async connect(): Promise<PostgresPoolClient> {
    const { client, release } = await this.#take()
    let isBroken = false
    const query = async (text: string, values: readonly unknown[]) => {
      this.echo(text)
      try {
        if (/^(?:begin|start transaction)\b/.test(text)) return await sendPlain(client, begin(usualLimitMs))
        return await send(client, { text, values, isPrepared: true, limit: usualLimitMs }, true)
      } catch (error) {
        isBroken ||= breaksConnection(error)
        // The whole transaction may be retried.
        throw decide(error) === 'retry' ? error : this.#explain(error)
      }
    }
    return { query: query as unknown as PostgresPoolClient['query'], release: () => release(isBroken) }
  }

  query(text: string, values: readonly unknown[]): Promise<QueryResult> {
    return this.#run({ text, values, isPrepared: true, limit: usualLimitMs }, () => this.#take())
  }

  // Like `query`, for slow and rare statements: not prepared, planned for these values, on an unreserved connection.
  queryOnce(text: string, values: readonly unknown[], limit = usualLimitMs): Promise<QueryResult> {
    return this.#run({ text, values, isPrepared: false, limit }, () => this.acquire())
  }

  async queryWithin(limit: number, text: string, values: readonly unknown[]): Promise<QueryResult | undefined> {
    try {
      return await this.#tryRun({ text, values, isPrepared: false, limit }, () => this.acquire())
    } catch (error) {
      if (!isCanceled(error)) throw this.#explain(error)
      return undefined
    }
  }

  unavailable(cause: unknown): Problem {
    const decision = decide(cause)
    if (decision === 'busy' || decision === 'retry') {
      this.#warnBusy(cause)
      return busy(cause)
    }
    this.#warnUnavailable(cause)
    return storeUnavailable('PostgreSQL', cause)
  }

  // Checks out a connection without a time limit, but not a reserved one. Release it as broken after a failure: that cancels
  // what still runs on it.
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

  echo(sql: string): void {
    if (this.#echo) this.#log.info({ sql }, 'statement')
  }

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
      return await send(client, statement, isLimited && statement.limit === usualLimitMs)
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
