import { DatabaseError } from 'pg'

import { managerGone } from '../../auth/tokens.ts'
import { currentPosition, recordParts, recordSet, updateColumns, updateValues } from '../../changes/record.ts'
import { onViolation } from '../../database/database.ts'
import type { Engine, Selection } from '../../database/engine.ts'
import type { Session } from '../../database/long-transaction.ts'
import { tooBusy } from '../../problems.ts'
import { risingIds } from '../ids.ts'
import { differs, type MergeOptions, type Conflict, refusalsOf } from './conflicts.ts'
import type { Staged } from './conflicts.ts'
import { preview } from './dry-run.ts'
import { zeroCounts, type ReportBuilder, type Written } from './report.ts'

const attempts = 3

/** @throws Problem invalid_token if the owner no longer exists, too_busy if every attempt loses */
export async function merge(
  session: Session,
  engine: Engine,
  staged: Staged,
  how: MergeOptions,
  builder: ReportBuilder,
): Promise<Written> {
  for (let attempt = 1; ; attempt++) {
    await session.query('savepoint merge')
    try {
      const merged = engine.withItems(session, selectionOf(staged, how), async () => {
        const refused = await refusalsOf(session, staged, how)
        const isOver = refused.length > 0 && how.stopOnError
        const written = isOver ? zeroCounts : await write(session, rowsLeft(staged, refused), how)
        return { refused, written }
      })
      const { refused, written } = await onViolation(merged, 'items_store_manager_id_foreign', managerGone)
      for (const { errors, rows } of refused) builder.addErrors(errors, rows)
      return written
    } catch (error) {
      if (!(error instanceof Race || isRace(error))) throw error
      if (attempt === attempts) throw tooBusy('The import conflicted with concurrent writes. Try again.', 1)
      await session.query('rollback to savepoint merge')
    }
  }
}

/** The items that rows of `imported` may change, and those of the same name, which a dry run counts. */
function selectionOf({ withIds }: Staged, { dryRun, owner }: MergeOptions): Selection {
  const named = 'id in (select id from imported)'
  if (!dryRun) return { where: withIds ? named : undefined }
  const where = `${named} or store_manager_id = $1 and name in (select name from imported)`
  return { where, values: [owner], isRead: true }
}

function isRace(error: unknown): boolean {
  return error instanceof DatabaseError && (error.code === '23505' || error.code === '40P01')
}

class Race extends Error {}

function rowsLeft(staged: Staged, refused: Conflict[]): Staged {
  return { ...staged, rows: refused.reduce((left, { rows: gone }) => left - gone, staged.rows) }
}

async function write(session: Session, staged: Staged, how: MergeOptions): Promise<Written> {
  const { mode, owner, requestId, dryRun } = how
  if (dryRun) return preview(session, staged, how)
  const set = { id: nextSetId(), kind: 'import' as const, manager: owner, requestId }
  const insert = staged.withIds ? (mode === 'create' ? insertAll : insertNew) : insertUnknown
  const created = (await session.query(insert, [owner, set.id])).rowCount ?? 0
  // Last, because other writers wait for these items until the commit.
  const updated = created === staged.rows ? 0 : await updateItems(session, staged.rows - created, how, set.id)
  if (created + updated > 0) await recordSet(session, set, [created, updated, 0])
  return { created, updated, unchanged: staged.rows - created - updated }
}

const nextSetId = risingIds()

async function updateItems(session: Session, rows: number, { canUpdateOthers, owner }: MergeOptions, setId: string) {
  const result = await session.query<Changes>(update, [canUpdateOthers ? null : owner, setId])
  const { found = 0, different = 0, updated = 0 } = result.rows[0] ?? {}
  if (found < rows || updated < different) throw new Race()
  return updated
}

interface Changes {
  found: number
  different: number
  updated: number
}

const insertFrom = (rows: string) => `
  with ${currentPosition},
  ${recordParts(`
    insert into items (id, name, category, price_usd, in_stock, store_manager_id, version, position)
    select id, name, category, price_usd, in_stock, $1, 1 + coalesce(former_version, 0), greatest(former_position, position)
    from ${rows}, current`)}`

const insertUnknown = insertFrom('(select imported.*, 0 as former_version, 0 as former_position from imported) as rows')

/** An item that is created again after its deletion continues its version numbers. */
const insertKnown = (condition: string) =>
  insertFrom(`
    (select imported.*, former_version, former_position from imported left join lateral (
      select max(item_changes.version) as former_version, max(item_changes.position) as former_position
      from item_changes where item_id = imported.id) as former on true
    where ${condition}) as rows`)
const insertAll = insertKnown('true')
const insertNew = insertKnown('not exists (select from items where items.id = imported.id)')

// Compares items as they were when the statement began, but locks their latest versions, even if committed since.
const update = `
  with ${currentPosition},
  locked as materialized (
    select items.id, items.name as old_name, items.category as old_category, items.price_usd as old_price_usd,
      items.in_stock as old_in_stock, imported.name, imported.category, imported.price_usd, imported.in_stock
    from items join imported on items.id = imported.id
    where items.store_manager_id = coalesce($1, items.store_manager_id)
      and items.version = coalesce(imported.version, items.version) and ${differs}
    for no key update of items),
  updated as (
    update items set name = locked.name, category = locked.category, price_usd = locked.price_usd,
      in_stock = locked.in_stock, version = items.version + 1, position = greatest(items.position, current.position),
      updated_at = now()
    from locked, current where items.id = locked.id
    returning items.id, items.version, items.position, items.name, items.category, items.price_usd, items.in_stock,
      old_name, old_category, old_price_usd, old_in_stock),
  entries as (
    insert into item_changes (${updateColumns()}, is_part) select ${updateValues('$2::uuid')}, true from updated)
  select count(*)::integer as found, (count(*) filter (where ${differs}))::integer as different,
    (select count(*) from updated)::integer as updated
  from imported join items on items.id = imported.id`
