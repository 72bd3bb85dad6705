import { sql } from 'kysely'
import { DatabaseError } from 'pg'

import type { Database } from '../database/database.ts'

interface Feed {
  identifier: string | null
  position_offset: string
  /** Whether a transaction could get a position that was used before. */
  is_behind: boolean
}

/**
 * Lets new changes have greater positions than all before, also after the database was restored to a cluster whose
 * transaction IDs are lower. Cursors from before a restore are no longer valid. Writes nothing unless it must, because the
 * database may be read-only.
 */
export async function continuePositions(db: Database): Promise<void> {
  const identifier = await readIdentifier(db)
  const last = sql`(select greatest(purged_position, (select max(position) from item_changes)))`
  const { rows } = await sql<Feed>`
    select system_identifier as identifier, position_offset,
      ${last} >= position_offset + pg_snapshot_xmax(pg_current_snapshot())::text::bigint as is_behind
    from change_feed`.execute(db)
  const [feed] = rows
  if (feed === undefined) return
  const isNew = feed.identifier === null && identifier !== null
  const isRestored = feed.identifier !== null && identifier !== null && feed.identifier !== identifier
  if (!isNew && !isRestored && !feed.is_behind) return
  // Another process may have done it meanwhile, and recorded changes.
  await sql`
    update change_feed
    set system_identifier = coalesce(${identifier}, system_identifier),
      feed_id = case when ${isRestored || feed.is_behind}::boolean then gen_random_uuid() else feed_id end,
      position_offset = case when ${feed.is_behind}::boolean
        then ${last} + 1 - pg_snapshot_xmin(pg_current_snapshot())::text::bigint else position_offset end
    where position_offset = ${feed.position_offset}::bigint
      and system_identifier is not distinct from ${feed.identifier}`.execute(db)
}

/** Of the cluster, where the role may read it. */
async function readIdentifier(db: Database): Promise<string | null> {
  try {
    const query = sql<{ identifier: string }>`select system_identifier::text as identifier from pg_control_system()`
    return (await query.execute(db)).rows[0]?.identifier ?? null
  } catch (error) {
    if (error instanceof DatabaseError && error.code === '42501') return null
    throw error
  }
}
