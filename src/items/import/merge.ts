import { DatabaseError } from 'pg'

import { managerGone } from '../../auth/tokens.ts'
import { recordSet, updateColumns, updateValues } from '../../changes/record.ts'
import { onViolation } from '../../database/database.ts'
import type { Session } from '../../database/long-transaction.ts'
import { tooBusy } from '../../problems.ts'
import { risingIds } from '../ids.ts'
import { differs, type MergeOptions, type Conflict, refusalsOf } from './conflicts.ts'
import type { Staged } from './conflicts.ts'
import { preview } from './dry-run.ts'
import { nothingWritten, type ReportBuilder, type Written } from './report.ts'

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
  const { mode, owner, requestId, dryRun } = how
  if (dryRun) return preview(session, staged, how)
  const set = { id: nextSetId(), kind: 'import' as const, manager: owner, requestId }
  const insert = mode === 'create' || !staged.withIds ? insertAll : insertNew
  const inserted = onViolation(session.query(insert, [owner, set.id]), 'items_store_manager_id_foreign', managerGone)
  const created = (await inserted).rowCount ?? 0
  // Last, for others wait for the items that it changes until all of it is done.
  const updated = created === staged.rows ? 0 : await updateItems(session, staged.rows - created, how, set.id)
  if (created + updated > 0) await recordSet(session, set, [created, updated, 0])
  return { created, updated, unchanged: staged.rows - created - updated }
}

const nextSetId = risingIds()

/** Updates the items of the `rows` that are not new, if they differ. @throws Race */
async function updateItems(session: Session, rows: number, { canUpdateOthers, owner }: MergeOptions, setId: string) {
  const result = await session.query<Changes>(update, [canUpdateOthers ? null : owner, setId])
  const { found = 0, different = 0, updated = 0 } = result.rows[0] ?? {}
  if (found < rows || updated < different) throw new Race()
  return updated
}

interface Changes {
  /** Rows whose item exists, those of them that it differs from, and those that changed it. */
  found: number
  different: number
  updated: number
}

const insertFrom = (rows: string) => `
  with created as (
    insert into items (id, name, category, price_usd, in_stock, store_manager_id)
    select id, name, category, price_usd, in_stock, $1 from ${rows}
    returning id, name, category, price_usd, in_stock, store_manager_id, version)
  insert into item_changes (item_id, change_set_id, kind, version, name, category_to, price_usd_to, in_stock_to, owner_to)
  select id, $2, 'create', version, name, category, price_usd, in_stock, store_manager_id from created`
const insertAll = insertFrom('imported')
const insertNew = insertFrom('imported where not exists (select from items where items.id = imported.id)')

// All see the items as they were when the statement began, but what is locked is the latest version, also if others have
// committed it since.
const update = `
  with locked as materialized (
    select items.id, items.name as old_name, items.category as old_category, items.price_usd as old_price_usd,
      items.in_stock as old_in_stock, imported.name, imported.category, imported.price_usd, imported.in_stock
    from items join imported on items.id = imported.id
    where items.store_manager_id = coalesce($1, items.store_manager_id)
      and items.version = coalesce(imported.version, items.version) and ${differs}
    for no key update of items),
  updated as (
    update items set name = locked.name, category = locked.category, price_usd = locked.price_usd,
      in_stock = locked.in_stock, version = items.version + 1
    from locked where items.id = locked.id
    returning items.id, items.version, items.name, items.category, items.price_usd, items.in_stock,
      old_name, old_category, old_price_usd, old_in_stock),
  entries as (insert into item_changes (${updateColumns()}) select ${updateValues('$2::uuid')} from updated)
  select count(*)::integer as found, (count(*) filter (where ${differs}))::integer as different,
    (select count(*) from updated)::integer as updated
  from imported join items on items.id = imported.id`
