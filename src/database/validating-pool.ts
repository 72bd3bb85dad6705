import { setTimeout as sleep } from 'node:timers/promises'

import { Pool, type PoolClient, type PoolConfig } from 'pg'
import type { Logger } from 'pino'

import { cancel } from './cancel.ts'
import type { SessionSettings } from './limits.ts'
import { retry } from './retry.ts'
import { clientConfig, type Server } from './server.ts'
import { getTypeParser } from './type-parsers.ts'
import { verify } from './verify.ts'

export interface Lease {
  client: PoolClient
  isLimited: boolean
  /** Idempotent. Cancels what still runs on a broken connection, and closes it. */
  release: (isBroken: boolean) => void
}

const pingTimeoutMs = 2_000
const closeTimeoutMs = 5_000
const validateAfterIdleMs = 1_000

/** An idle connection is validated before checkout, and a broken one is never reused. */
export class ValidatingPool {
  readonly #pool: Pool
  readonly #server: Server
  readonly #settings: SessionSettings
  readonly #usedAt = new WeakMap<PoolClient, number>()
  readonly #limited = new WeakMap<PoolClient, boolean>()
  readonly #lent = new Set<PoolClient>()
  #lastPingFailure = -Infinity
  #connected = 0
  #lost = 0

  constructor(server: Server, settings: SessionSettings, config: PoolConfig, log: Logger) {
    this.#server = server
    this.#settings = settings
    // Not with `verify`: pg-pool loses a connection whose request gives up while it is being verified.
    this.#pool = new Pool({ ...clientConfig(server), ...config, types: { getTypeParser } })
    // The query of a lost connection fails as well. Without a listener, the event would end the process.
    this.#pool.on('connect', (client) => {
      this.#connected++
      client.on('error', () => {})
    })
    this.#pool.on('error', (error) => {
      this.#lost++
      log.warn({ err: error }, 'idle PostgreSQL connection lost')
    })
  }

  /** `connected` and `lost` count connections since the start. */
  usage() {
    const { totalCount, idleCount: idle, waitingCount: waiting } = this.#pool
    return { inUse: totalCount - idle, idle, waiting, connected: this.#connected, lost: this.#lost }
  }

  async take(): Promise<Lease> {
    for (;;) {
      const client = await this.#pool.connect()
      const isLimited = this.#limited.get(client) ?? (await this.#verify(client))
      if (await this.#isAlive(client)) {
        this.#lent.add(client)
        return { client, isLimited, release: this.#releaseOnce(client) }
      }
      client.release(true)
    }
  }

  async cancelAll(): Promise<void> {
    await Promise.all(Array.from(this.#lent, (client) => cancel(this.#server, client)))
  }

  /** A connection that PostgreSQL does not close in time is left to the end of the process. */
  async end(): Promise<void> {
    const timeout = new AbortController()
    const timer = sleep(closeTimeoutMs, undefined, { ref: false, signal: timeout.signal }).catch(() => {})
    await Promise.race([this.#pool.end(), timer])
    timeout.abort()
  }

  #releaseOnce(client: PoolClient): (isBroken: boolean) => void {
    let isLent = true
    return (isBroken) => {
      if (!isLent) return
      isLent = false
      this.#lent.delete(client)
      this.#usedAt.set(client, performance.now())
      // Freed only when nothing runs on the connection any more.
      if (isBroken) this.#lost++
      if (isBroken) void cancel(this.#server, client).then(() => client.release(true))
      else client.release()
    }
  }

  async #isAlive(client: PoolClient): Promise<boolean> {
    const now = performance.now()
    const usedAt = this.#usedAt.get(client) ?? now
    if (now - usedAt < validateAfterIdleMs) return true
    if (usedAt < this.#lastPingFailure) return false
    const ping = { text: 'select 1', query_timeout: pingTimeoutMs }
    return client.query(ping).then(
      () => true,
      () => {
        this.#lost++
        // The other idle connections are probably dead as well, so they are not pinged.
        this.#lastPingFailure = now
        return false
      },
    )
  }

  async #verify(client: PoolClient): Promise<boolean> {
    try {
      // The defaults of the role or the database, such as a short statement_timeout, hold until then.
      const isLimited = await retry(() => verify(client, this.#settings), ['busy'])
      this.#limited.set(client, isLimited)
      return isLimited
    } catch (error) {
      client.release(true)
      throw error
    }
  }
}
