import { setTimeout as sleep } from 'node:timers/promises'

import { Pool, type PoolClient, type PoolConfig } from 'pg'
import type { Logger } from 'pino'

import { cancel } from './cancel.ts'
import type { Server } from './server.ts'
import { getTypeParser } from './type-parsers.ts'
import { verify } from './verify.ts'

export interface Lease {
  client: PoolClient
  /** Whether its session has the usual limits. */
  isLimited: boolean
  /** Ends the loan; calls after the first do nothing. What still runs on a broken connection is canceled, and it is closed. */
  release: (isBroken: boolean) => void
}

/** Milliseconds. */
const pingTimeout = 2_000
const closeTimeout = 5_000
const validateAfterIdle = 1_000

/** Lends connections: one that has rested is tried before, one that failed is not lent again. */
export class ValidatingPool {
  readonly #pool: Pool
  readonly #server: Server
  readonly #usedAt = new WeakMap<PoolClient, number>()
  readonly #limited = new WeakSet<PoolClient>()
  readonly #lent = new Set<PoolClient>()
  #lastPingFailure = -Infinity

  constructor(server: Server, config: PoolConfig, log: Logger) {
    this.#server = server
    this.#pool = new Pool({
      ...config,
      types: { getTypeParser },
      verify: (client, done) => void this.#verify(client, done),
    })
    // One that is lost while it is lent fails its query as well; unheard, the event would end the process.
    this.#pool.on('connect', (client) => client.on('error', () => {}))
    // The pool has dropped the connection already; the next request opens another.
    this.#pool.on('error', (error) => log.warn({ err: error }, 'idle PostgreSQL connection lost'))
  }

  /** @throws Error if no connection is free in time, or PostgreSQL gives none */
  async take(): Promise<Lease> {
    for (;;) {
      const client = await this.#pool.connect()
      if (await this.#isAlive(client)) {
        this.#lent.add(client)
        return { client, isLimited: this.#limited.has(client), release: this.#releaseOnce(client) }
      }
      client.release(true)
    }
  }

  /** Cancels what runs on the connections that are lent. */
  async cancelAll(): Promise<void> {
    await Promise.all(Array.from(this.#lent, (client) => cancel(this.#server, client)))
  }

  /** Closes the connections. One that PostgreSQL does not close in time is left to the end of the process. */
  async end(): Promise<void> {
    const timeout = new AbortController()
    const late = sleep(closeTimeout, undefined, { ref: false, signal: timeout.signal }).catch(() => {})
    await Promise.race([this.#pool.end(), late])
    timeout.abort()
  }

  #releaseOnce(client: PoolClient): (isBroken: boolean) => void {
    let isLent = true
    return (isBroken) => {
      if (!isLent) return
      isLent = false
      this.#lent.delete(client)
      this.#usedAt.set(client, performance.now())
      // Its place is not free before nothing runs on it any more.
      if (isBroken) void cancel(this.#server, client).then(() => client.release(true))
      else client.release()
    }
  }

  async #isAlive(client: PoolClient): Promise<boolean> {
    const now = performance.now()
    const usedAt = this.#usedAt.get(client) ?? now
    if (now - usedAt < validateAfterIdle) return true
    if (usedAt < this.#lastPingFailure) return false
    const ping = { text: 'select 1', query_timeout: pingTimeout }
    return client.query(ping).then(
      () => true,
      () => {
        // Whatever silenced this one silenced the others that rest: they are not waited for as well.
        this.#lastPingFailure = now
        return false
      },
    )
  }

  async #verify(client: PoolClient, done: (error?: Error) => void): Promise<void> {
    let failure: Error | undefined
    try {
      if (await verify(client)) this.#limited.add(client)
    } catch (error) {
      failure = error as Error
    }
    done(failure)
  }
}
