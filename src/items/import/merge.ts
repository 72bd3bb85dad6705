import { DatabaseError } from 'pg'

import { managerGone } from '../../auth/tokens.ts'
import { onViolation } from '../../database/database.ts'
import type { Session } from '../../database/long-transaction.ts'
import { tooBusy } from '../../problems.ts'
import { differs, type MergeOptions, type Conflict, refusalsOf } from './conflicts.ts'
import type { Staged } from './conflicts.ts'
import { preview } from './dry-run.ts'
import { type ReportBuilder, nothingWritten, type Written } from './report.ts'

/** Times that a merge is tried which others get in the way of, by making an item with the same id or by a deadlock. */
const attempts = 3

/**
 * Writes what waits in the table `imported`, or only counts it. Rows that cannot be written are noted.
 *
 * @throws Problem invalid_token if the owner is gone by now, too_busy if others get in the way again and again
 */
export async function merge(
  session: Session,
  staged: Staged,
  how: MergeOptions,
  findings: ReportBuilder,
): Promise<Written> {
  for (let attempt = 1; ; attempt++) {
    await session.query('savepoint merge')
    try {
      const refused = await refusalsOf(session, staged, how)
      const isOver = refused.length > 0 && how.stopOnError
      const written = isOver ? nothingWritten : await write(session, rowsLeft(staged, refused), how)
      for (const { errors, rows } of refused) findings.fail(errors, rows)
      return written
    } catch (error) {
      if (!(error instanceof Race || isRace(error))) throw error
      if (attempt === attempts) throw tooBusy('The import conflicted with concurrent writes. Try again.', 1)
      await session.query('rollback to savepoint merge')
    }
  }
}

/** Whether a unique key was taken meanwhile, or PostgreSQL has chosen this one to resolve a deadlock. */
function isRace(error: unknown): boolean {
  return error instanceof DatabaseError && (error.code === '23505' || error.code === '40P01')
}

/** Items were changed or deleted while a merge compared them with their rows. */
class Race extends Error {}

function rowsLeft(staged: Staged, refused: Conflict[]): Staged {
  return { ...staged, rows: refused.reduce((left, { rows: gone }) => left - gone, staged.rows) }
}

async function write(session: Session, staged: Staged, how: MergeOptions): Promise<Written> {
  const { mode, owner, canUpdateOthers, dryRun } = how
  if (dryRun) return preview(session, staged, how)
  const insert = mode === 'create' || !staged.withIds ? insertAll : insertNew
  const inserted = onViolation(session.query(insert, [owner]), 'items_store_manager_id_foreign', managerGone)
  const created = (await inserted).rowCount ?? 0
  if (created === staged.rows) return { ...nothingWritten, created }
  // Last, for others wait for the items that it changes until all of it is done.
  const { rows } = await session.query<Changes>(update, [canUpdateOthers ? null : owner])
  const { found = 0, different = 0, updated = 0 } = rows[0] ?? {}
  if (found < staged.rows || updated < different) throw new Race()
  return { created, updated, unchanged: staged.rows - created - updated }
}

interface Changes {
  /** Rows whose item exists, those of them that it differs from, and those that changed it. */
  found: number
  different: number
  updated: number
}

const insertAll = `
  insert into items (id, name, category, price_usd, in_stock, store_manager_id)
  select id, name, category, price_usd, in_stock, $1 from imported`
const insertNew = `${insertAll} where not exists (select from items where items.id = imported.id)`

// Both see the items as they were when the statement began; the update also sees what others have committed since.
const update = `
  with changed as (
    update items set name = imported.name, category = imported.category, price_usd = imported.price_usd,
      in_stock = imported.in_stock, version = items.version + 1
    from imported
    where items.id = imported.id and items.store_manager_id = coalesce($1, items.store_manager_id)
      and items.version = coalesce(imported.version, items.version) and ${differs}
    returning items.id)
  select count(*)::integer as found, (count(*) filter (where ${differs}))::integer as different,
    (select count(*) from changed)::integer as updated
  from imported join items on items.id = imported.id`
