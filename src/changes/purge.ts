import { sql } from 'kysely'
import type { Logger } from 'pino'

import type { Database } from '../database/database.ts'
import { firstIdAt } from './set-ids.ts'

/** Milliseconds. */
const interval = 60 * 60 * 1000
const day = 24 * 60 * 60 * 1000

/** Rows that one statement deletes, which is far from its timeout. */
const batchSize = 10_000

/** Purges changes older than `days` days every hour; 0 keeps them. @returns a function that ends it */
export function purgeRegularly(db: Database, days: number, log: Logger): () => void {
  if (days === 0) return () => {}
  const timer = setInterval(() => {
    purge(db, days).catch((error: unknown) => log.warn({ err: error }, 'failed to purge the change history'))
  }, interval).unref()
  return () => clearInterval(timer)
}

/** Deletes change sets older than `days` days with their entries, the oldest first. A set outlives its entries. */
async function purge(db: Database, days: number): Promise<void> {
  const before = firstIdAt(Date.now() - days * day)
  for (;;) {
    const query = db.selectFrom('change_sets').select('id').where('id', '<', before).orderBy('id').limit(batchSize)
    const ids = (await query.execute()).map(({ id }) => id)
    if (ids.length === 0) return
    await deleteEntries(db, ids)
    await sql`delete from change_sets where id = any(${ids}::uuid[])`.execute(db)
  }
}

async function deleteEntries(db: Database, ids: string[]): Promise<void> {
  for (;;) {
    const { numAffectedRows = 0n } = await sql`
      delete from item_changes where (item_id, change_set_id) in (
        select item_id, change_set_id from item_changes where change_set_id = any(${ids}::uuid[]) limit ${batchSize})
    `.execute(db)
    if (numAffectedRows < batchSize) return
  }
}
