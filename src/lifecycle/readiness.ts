import { setTimeout as sleep } from 'node:timers/promises'

import type { Logger } from 'pino'

import { openDatabase } from '../database/database.ts'
import { isUpToDate } from '../database/migrate.ts'
import { ConnectionPool } from '../database/pool.ts'
import type { Server } from '../database/server.ts'

export interface Readiness {
  check(): Promise<'ready' | 'unavailable' | 'draining'>
  startDraining(): void
  close(): Promise<void>
}

const cacheTtlMs = 1_000
const probeTimeoutMs = 2_000

// Ready means that PostgreSQL responds and has every migration. Probes use a connection of their own, and at most one query per
// second.
export function openReadiness(server: Server, schema: string, log: Logger): Readiness {
  const pool = new ConnectionPool(server, { schema, size: 1, overflow: 0, echo: false }, log)
  const db = openDatabase(pool)
  let draining = false
  let wasReady = true
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
    probing = false
    return wasReady
  }

  return {
    async check() {
      if (draining) return 'draining'
      if (!probing && performance.now() - probedAt > cacheTtlMs) {
        probedAt = performance.now()
        result = Promise.race([probe(), sleep(probeTimeoutMs, false, { ref: false })])
      }
      return (await result) ? 'ready' : 'unavailable'
    },
    startDraining() {
      draining = true
    },
    close: () => pool.end(),
  }
}
