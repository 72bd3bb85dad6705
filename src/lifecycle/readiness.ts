import { setTimeout as sleep } from 'node:timers/promises'

import type { Logger } from 'pino'

import { openDatabase } from '../database/database.ts'
import { isUpToDate } from '../database/migrate.ts'
import { ConnectionPool, type PoolOptions } from '../database/pool.ts'
import type { Server } from '../database/server.ts'
import { tooBusy } from '../problems.ts'

export type ReadinessState = 'ready' | 'unavailable' | 'draining'

export interface Readiness {
  // Whether this process should get requests: not while it drains, nor before its schema was complete once. An unavailable
  // PostgreSQL does not count, because it is the same for all replicas: without any, the load balancer would respond itself.
  check(): Promise<ReadinessState>
  /** Whether PostgreSQL also responds now, and has every migration. */
  checkStores(): Promise<ReadinessState>
  startDraining(): void
  /** Aborted with a Problem when draining starts: nothing that takes long is begun then. */
  draining: AbortSignal
  close(): Promise<void>
}

const cacheTtlMs = 1_000
const probeTimeoutMs = 2_000

// Probes use a connection of their own, and at most one query per second.
export function openReadiness(server: Server, options: PoolOptions, log: Logger): Readiness {
  const { schema } = options
  const pool = new ConnectionPool(server, { ...options, size: 1, overflow: 0, echo: false }, log)
  const db = openDatabase(pool)
  const draining = new AbortController()
  let wasReady = true
  let wasUpToDate = false
  let probing = false
  let probedAt = -Infinity
  let result = Promise.resolve(false)

  const probe = async () => {
    probing = true
    const failure = await isUpToDate(db, schema).then(
      (atHead) => (atHead ? undefined : new Error('migrations are pending')),
      (error: Error) => error,
    )
    if (failure && wasReady) log.warn({ err: failure }, 'not ready')
    if (!failure && !wasReady) log.info('ready again')
    wasReady = !failure
    wasUpToDate ||= wasReady
    probing = false
    return wasReady
  }

  const checkStores = async () => {
    if (draining.signal.aborted) return 'draining'
    if (!probing && performance.now() - probedAt > cacheTtlMs) {
      probedAt = performance.now()
      result = Promise.race([probe(), sleep(probeTimeoutMs, false, { ref: false })])
    }
    return (await result) ? 'ready' : 'unavailable'
  }

  return {
    async check() {
      return wasUpToDate && !draining.signal.aborted ? 'ready' : checkStores()
    },
    checkStores,
    startDraining() {
      draining.abort(tooBusy('The service is stopping. Connect again.', 1))
    },
    draining: draining.signal,
    close: () => pool.end(),
  }
}
