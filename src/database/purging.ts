import { type RawBuilder, sql } from 'kysely'
import type { Logger } from 'pino'

import type { Database } from './database.ts'

export const purgeIntervalMs = 60 * 60 * 1000
/** Processes that end within the hour, such as those of an autoscaler, purge as well. */
const firstPurgeMs = 60 * 1000

/** Few enough that a statement is far from its timeout. */
export const purgeBatchSize = 10_000

/** Runs `purge`, which deletes `what` that is too old, a minute after the start and every hour. @returns a function that stops it */
export function purgeHourly(what: string, purge: () => Promise<unknown>, log: Logger): () => void {
  const run = () => {
    purge().catch((error: unknown) => log.warn({ err: error }, `failed to purge ${what}`))
  }
  const first = setTimeout(run, firstPurgeMs).unref()
  const hourly = setInterval(run, purgeIntervalMs).unref()
  return () => {
    clearTimeout(first)
    clearInterval(hourly)
  }
}

export async function deleteInBatches(
  db: Database,
  { table, key, where }: { table: string; key: string; where: RawBuilder<unknown> },
): Promise<void> {
  const from = sql.table(table)
  const id = sql.ref(key)
  const batch = sql`delete from ${from} where ${id} in (select ${id} from ${from} where ${where} limit ${purgeBatchSize})`
  for (;;) {
    const { numAffectedRows = 0n } = await batch.execute(db)
    if (numAffectedRows < purgeBatchSize) return
  }
}
