import { sql } from 'kysely'

import { type Database, inTransaction } from '../database/database.ts'

// Revokes all tokens of all managers, and unused reset codes. A database that was restored to the past has forgotten tokens: it
// would give out their generations again, and accept those that were revoked since. So generations continue at the number of
// seconds since this release, which no counter of logouts reaches before.
export function endAll(db: Database): Promise<number> {
  return inTransaction(db, async (transaction) => {
    const { numUpdatedRows } = await transaction
      .updateTable('store_managers')
      .set({
        token_generation: sql<number>`greatest(token_generation + 1,
          extract(epoch from now() - timestamptz '2026-01-01 00:00:00Z')::integer)`,
        kept_token: null,
        tokens_ended_at: sql<Date>`now()`,
      })
      .executeTakeFirstOrThrow()
    await transaction.deleteFrom('password_resets').execute()
    return Number(numUpdatedRows)
  })
}
