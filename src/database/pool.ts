import type { PostgresPool, PostgresPoolClient } from 'kysely'
import type { QueryResult } from 'pg'
import type { Logger } from 'pino'

import { type Semaphore, openSemaphore } from '../concurrency/semaphore.ts'
import { throttle } from '../concurrency/throttle.ts'
import { openMetrics } from '../observability/metrics/metrics.ts'
import { type Observability, watchSemaphore } from '../observability/metrics/watch.ts'
import { Problem, storeUnavailable } from '../problems.ts'
import type { Engine } from './engine.ts'
import { busy, decide, isAboutPreparedStatement, isCanceled } from './errors.ts'
import { sessionSettings, usualLimitMs } from './limits.ts'
import { openEngine } from './open-engine.ts'
import { observePool, type PoolObservations } from './pool-metrics.ts'
import { retry } from './retry.ts'
import type { Server } from './server.ts'
import { send, sendBegin, type Statement } from './statements.ts'
import { type Lease, ValidatingPool } from './validating-pool.ts'
import { StandbyError } from './verify.ts'

export interface PoolOptions {
  schema: string
  size: number
  overflow: number
  echo: boolean
  /** Whether to prepare statements; `auto`, the default: until a pooler turns out not to support that. */
  prepared?: 'auto' | 'true' | 'false'
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
  readonly #observations: PoolObservations
  #isPreparing: boolean
  readonly #isDetecting: boolean
  readonly schema: string
  readonly engine: Engine
  readonly options = {}

  constructor(
    server: Server,
    { schema, size, overflow, echo, prepared = 'auto' }: PoolOptions,
    log: Logger,
    observability: Observability = { metrics: openMetrics(), tracer: undefined },
  ) {
    const max = size + overflow
    this.schema = schema
    this.engine = openEngine(server, schema)
    const settings = sessionSettings(schema, this.engine.plans)
    this.#connections = new ValidatingPool(server, settings, { min: size, max }, log)
    this.#log = log
    this.#warnUnavailable = throttle(warningIntervalMs, (requests, err) => {
      log.warn({ err, requests }, 'PostgreSQL is unavailable; requests that need it get 503')
    })
    this.#warnBusy = throttle(warningIntervalMs, (requests, err) => {
      log.warn({ err, requests }, 'statements were rolled back; their requests get 503')
    })
    this.#isPreparing = prepared !== 'false'
    this.#isDetecting = prepared === 'auto'
    this.#echo = echo
    this.#bulk = openSemaphore({ permits: Math.max(1, max - Math.ceil(max / 5)), maxQueue: 256, timeout: 3_000 })
    watchSemaphore(observability.metrics, 'connections', this.#bulk)
    this.#observations = observePool(observability, () => this.#connections.usage())
  }

  async connect(): Promise<PostgresPoolClient> {
    const { client, release } = await this.#take()
    let isBroken = false
    const query = async (text: string, values: readonly unknown[]) => {
      this.echo(text)
      try {
        if (/^(?:begin|start transaction)\b/.test(text)) return await sendBegin(client, this.schema, usualLimitMs)
        return await this.#observations.statement(text, send(client, this.#usual(text, values), true))
      } catch (error) {
        isBroken ||= breaksConnection(error)
        this.#detectPooler(error)
        // The whole transaction may be retried.
        throw ['retry', 'renew'].includes(decide(error)) ? error : this.#explain(error)
      }
    }
    return { query: query as unknown as PostgresPoolClient['query'], release: () => release(isBroken) }
  }

  query(text: string, values: readonly unknown[]): Promise<QueryResult> {
    return this.#run(
      () => this.#usual(text, values),
      () => this.#take(),
    )
  }

  // Like `query`, for slow and rare statements: not prepared, planned for these values, on an unreserved connection. Parallel
  // workers would let each statement occupy several cores, and the semaphores count statements.
  queryOnce(text: string, values: readonly unknown[], limit = usualLimitMs): Promise<QueryResult> {
    return this.#run(
      () => this.#once(text, values, limit),
      () => this.acquire(),
    )
  }

  async queryWithin(limit: number, text: string, values: readonly unknown[]): Promise<QueryResult | undefined> {
    try {
      return await this.#tryRun(
        () => this.#once(text, values, limit),
        () => this.acquire(),
      )
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

  // A connection without a time limit, never a reserved one. Released as broken after a failure, which cancels what runs on it.
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

  async #run(statement: () => Statement, take: () => Promise<Lease>): Promise<QueryResult> {
    try {
      return await this.#tryRun(statement, take)
    } catch (error) {
      throw this.#explain(error)
    }
  }

  #tryRun(statement: () => Statement, take: () => Promise<Lease>): Promise<QueryResult> {
    return retry(() => this.#runOnce(statement(), take), ['retry', 'renew'])
  }

  async #runOnce(statement: Statement, take: () => Promise<Lease>): Promise<QueryResult> {
    const { client, isLimited, release } = await take()
    let isBroken = false
    try {
      this.echo(statement.text)
      const running = send(client, statement, isLimited && !statement.isSlow)
      return await this.#observations.statement(statement.text, running)
    } catch (error) {
      // The pooler may lead the same connection to a primary the next time.
      isBroken = breaksConnection(error) && !(error instanceof StandbyError)
      this.#detectPooler(error)
      throw error
    } finally {
      release(isBroken)
    }
  }

  #usual(text: string, values: readonly unknown[]): Statement {
    return { text, values, isPrepared: this.#isPreparing, limit: usualLimitMs, schema: this.schema, isSlow: false }
  }

  #once(text: string, values: readonly unknown[], limit: number): Statement {
    return { text, values, isPrepared: false, limit, schema: this.schema, isSlow: true }
  }

  /** A pooler that moves clients between sessions, and does not track prepared statements, mixes them up. */
  #detectPooler(error: unknown): void {
    if (!this.#isDetecting || !this.#isPreparing || !isAboutPreparedStatement(error)) return
    this.#isPreparing = false
    this.#log.warn({ err: error }, 'the pooler does not support prepared statements; continuing without them')
  }

  #take(): Promise<Lease> {
    return this.#observations.wait(this.#connections.take()).catch((error: unknown) => {
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
