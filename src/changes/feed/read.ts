import { type Database, runIn, runSql } from '../../database/database.ts'
import type { Engine } from '../../database/engine.ts'
import { Problem, storeUnavailable } from '../../problems.ts'
import { type EntryRow, setColumns, type SetRow, toEntry, toSet } from '../changes.ts'
import { afterPosition, beforeItems, type Cursor } from './cursor.ts'
import type { FeedEvent } from './schemas.ts'

export interface Placed {
  event: FeedEvent
  cursor: Cursor
}

/** Events that follow each other, and the place after them. */
export interface Batch {
  events: Placed[]
  cursor: Cursor
  /** Whether nothing followed at the time. */
  isLast: boolean
}

/** The place after all changes that are committed, except those that may still get an earlier one before them. */
export async function currentCursor(db: Database): Promise<Cursor> {
  const { epoch, position } = await readEnd(db)
  return afterPosition(epoch, position)
}

/** The place before all items as they are, and the changes from now on. */
export async function firstCursor(db: Database, engine: Engine): Promise<Cursor> {
  const { epoch, position } = await readEnd(db)
  await engine.settle(runIn(db))
  return beforeItems(epoch, position)
}

/**
 * What follows `cursor`, at most `limit` events. A change comes when all transactions are over that might have an earlier one,
 * so no cursor passes by a change that is not committed yet. Nor is a cursor ever beyond the last change: after a crash,
 * PostgreSQL may use transaction IDs again that have left no trace.
 *
 * @throws Problem cursor_expired
 */
export function readFeed(db: Database, cursor: Cursor, limit: number): Promise<Batch> {
  return cursor.phase === 'items' ? readItems(db, cursor, limit) : readChanges(db, cursor, limit)
}

interface State {
  /** Null on a standby, whose history may lag. */
  epoch: string | null
  purged_position: string
}

const state = `
  select left(feed_id::text, 8) ||
      case when not pg_is_in_recovery() then left(lower(pg_walfile_name(pg_current_wal_lsn())), 8) end as epoch,
    pg_snapshot_xmin(pg_current_snapshot())::text::bigint + position_offset - 1 as settled, purged_position
  from change_feed`

const end = `
  select epoch, purged_position,
    greatest(purged_position, (select max(position) from item_changes where position <= settled))::text as end_position
  from (${state}) as state`

const changesAfter = `
  select epoch, purged_position, page.*
  from (${state}) as state left join lateral (
    select item_changes.*, ${setColumns}
    from item_changes join change_sets on change_sets.id = change_set_id
    where item_changes.position >= $1 and (item_changes.position, item_changes.item_id, version) > ($1, $2::uuid, $3)
      and item_changes.position <= settled
    order by item_changes.position, item_changes.item_id, version
    limit $4) as page on true
  order by page.position, page.item_id, page.version`

const itemsAfter = `
  select epoch, purged_position, page.*
  from (${state}) as state left join lateral (
    select id, name, category, price_usd, in_stock, store_manager_id, version from items where id > $1::uuid
    order by id limit $2) as page on true
  order by page.id`

type ChangeRow = State & EntryRow & SetRow & { position: string }

async function readChanges(db: Database, cursor: Cursor, limit: number): Promise<Batch> {
  const { position, item, version } = cursor
  const rows = await runSql<ChangeRow>(db, changesAfter, [position, item, version, limit])
  validate(cursor, rows)
  const found = rows.filter(({ item_id: id }) => id !== null)
  const { epoch } = cursor
  const events = found.map((row) => ({
    event: { ...toEntry(row), change: toSet(row) },
    cursor: {
      epoch,
      phase: 'changes' as const,
      position: Number(row.position),
      item: row.item_id,
      version: Number(row.version),
    },
  }))
  return { events, cursor: events.at(-1)?.cursor ?? cursor, isLast: events.length < limit }
}

interface ItemRow extends State {
  id: string | null
  name: string
  category: string
  price_usd: number
  in_stock: boolean
  store_manager_id: string
  version: string
}

async function readItems(db: Database, cursor: Cursor, limit: number): Promise<Batch> {
  const rows = await runSql<ItemRow>(db, itemsAfter, [cursor.item, limit])
  validate(cursor, rows)
  const events = rows.flatMap(({ id, ...row }) => (id === null ? [] : [toPlaced(cursor, id, row)]))
  if (events.length === limit) return { events, cursor: events.at(-1)?.cursor ?? cursor, isLast: false }
  return { events, cursor: afterPosition(cursor.epoch, cursor.position), isLast: false }
}

function toPlaced(
  cursor: Cursor,
  id: string,
  { name, version, category, price_usd, in_stock, store_manager_id }: Omit<ItemRow, 'id'>,
): Placed {
  const values = Object.entries({ name, category, price_usd, in_stock, store_manager_id })
  const fields = Object.fromEntries(values.map(([field, value]) => [field, [null, value]]))
  return {
    event: { item_id: id, name, kind: 'present', version: Number(version), fields },
    cursor: { ...cursor, item: id },
  }
}

async function readEnd(db: Database): Promise<{ epoch: string; position: number }> {
  const rows = await runSql<State & { end_position: string }>(db, end, [])
  return { epoch: epochOf(rows), position: Number(rows[0]?.end_position) }
}

function epochOf([row]: State[]): string {
  if (row === undefined || row.epoch === null) throw storeUnavailable('PostgreSQL', new Error('this is a standby'))
  return row.epoch
}

function validate(cursor: Cursor, rows: State[]): void {
  if (cursor.epoch !== epochOf(rows)) throw expired('The database was restored, or a standby took over.')
  if (cursor.position < Number(rows[0]?.purged_position)) throw expired('Changes after it have been purged.')
}

function expired(reason: string): Problem {
  return new Problem('cursor_expired', `The cursor is no longer valid. ${reason} Begin again with since=beginning.`)
}
