import { type RawBuilder, sql } from 'kysely'
import type { Logger } from 'pino'

import type { Database } from '../database/database.ts'
import { purgeBatchSize, purgeHourly } from '../database/purging.ts'
import { firstIdAt } from './set-ids.ts'

const day = 24 * 60 * 60 * 1000

/** @param days 0 keeps all changes @returns a function that stops it */
export function purgeRegularly(db: Database, days: number, log: Logger): () => void {
  if (days === 0) return () => {}
  return purgeHourly('the change history', () => purge(db, days), log)
}

/** A set outlives its entries. */
async function purge(db: Database, days: number): Promise<void> {
  const before = firstIdAt(Date.now() - days * day)
  for (;;) {
    const query = db.selectFrom('change_sets').select('id').where('id', '<', before).orderBy('id').limit(purgeBatchSize)
    const ids = (await query.execute()).map(({ id }) => id)
    if (ids.length === 0) return
    await deleteEntries(db, ids)
    await sql`delete from change_sets where id = any(${ids}::uuid[])`.execute(db)
  }
}

async function deleteEntries(db: Database, ids: string[]): Promise<void> {
  await deleting(sql`
    delete from item_changes using change_sets
    where change_sets.id = any(${ids}::uuid[]) and item_changes.item_id = change_sets.item_id
      and item_changes.change_set_id = change_sets.id`).execute(db)
  for (;;) {
    const { rows } = await deleting(sql`
      delete from item_changes where (item_id, change_set_id) in (
        select item_id, change_set_id from item_changes
        where is_part and change_set_id = any(${ids}::uuid[]) limit ${purgeBatchSize})`).execute(db)
    if ((rows[0]?.count ?? 0) < purgeBatchSize) return
  }
}

const deleting = (statement: RawBuilder<unknown>) => sql<{ count: number }>`
  with purged as (${statement} returning position)
  update change_feed set purged_position = greatest(purged_position, (select max(position) from purged))
  returning (select count(*) from purged)::integer as count`
