import { type RawBuilder, sql } from 'kysely'

import type { Database } from '../database/database.ts'
import type { ConnectionPool } from '../database/pool.ts'
import { Problem } from '../problems.ts'
import type { ChangeSet, ChangesQuery, ItemChange, ItemVersion, PageQuery } from './schemas.ts'
import { defaultLimit } from './schemas.ts'
import { firstIdAt, timeOf } from './set-ids.ts'

export interface Source {
  db: Database
  pool: ConnectionPool
}

export interface Page<Entry> {
  entries: Entry[]
  next: string | undefined
}

export async function listSets(source: Source, query: ChangesQuery): Promise<Page<ChangeSet>> {
  const { after, manager, kind, item, since, until } = query
  const conditions = [
    after !== undefined && sql<boolean>`id < ${after}::uuid`,
    since !== undefined && sql<boolean>`id >= ${firstIdAt(Date.parse(since))}::uuid`,
    until !== undefined && sql<boolean>`id < ${firstIdAt(Date.parse(until))}::uuid`,
    manager !== undefined && sql<boolean>`store_manager_id = ${manager}::uuid`,
    kind !== undefined && sql<boolean>`kind = ${kind}::text`,
    item !== undefined && sql<boolean>`id in (select change_set_id from item_changes where item_id = ${item}::uuid)`,
  ].filter((condition) => condition !== false)
  const where = sql.join([sql`true`, ...conditions], sql` and `)
  const text = sql`select ${sql.raw(setColumns)} from change_sets where ${where} order by id desc`
  const rows = await readPage<SetRow>(source, text, query)
  return toPage(rows, query, toSet, ({ set_id: id }) => id)
}

/** @throws Problem change_not_found */
export async function getSet(source: Source, id: string): Promise<ChangeSet> {
  return toSet(await readSet(source, id))
}

/** @throws Problem change_not_found */
export async function readSet({ db }: Pick<Source, 'db'>, id: string): Promise<SetRow> {
  const { rows } = await sql<SetRow>`select ${sql.raw(setColumns)} from change_sets where id = ${id}::uuid`.execute(db)
  const [row] = rows
  if (row === undefined) throw changeNotFound()
  return row
}

export function changeNotFound(): Problem {
  return new Problem('change_not_found', 'No change set has this ID.')
}

/** @throws Problem change_not_found */
export async function listEntries(source: Source, id: string, query: PageQuery): Promise<Page<ItemChange>> {
  const { after = null } = query
  const { only_item: only } = await readSet(source, id)
  const text = sql`
    select * from item_changes
    where change_set_id = ${id}::uuid and ${only === null ? sql`is_part` : sql`item_id = ${only}::uuid`}
      and item_id > coalesce(${after}::uuid, '00000000-0000-0000-0000-000000000000')
    order by item_id`
  const rows = await readPage<EntryRow>(source, text, query)
  return toPage(rows, query, toEntry, ({ item_id: item }) => item)
}

/** @throws Problem item_not_found if it has no changes and does not exist */
export async function listVersions(source: Source, item: string, query: PageQuery): Promise<Page<ItemVersion>> {
  const { after = null } = query
  const text = sql`
    select item_changes.*, ${sql.raw(setColumns)}
    from item_changes join change_sets on change_sets.id = change_set_id
    where item_changes.item_id = ${item}::uuid and change_set_id < coalesce(${after}::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
    order by change_set_id desc`
  const rows = await readPage<EntryRow & SetRow>(source, text, query)
  if (rows.length === 0 && after === null) await assertExists(source, item)
  const toVersion = (row: EntryRow & SetRow) => ({ ...toEntry(row), change: toSet(row) })
  return toPage(rows, query, toVersion, ({ set_id: id }) => id)
}

export const setColumns = `change_sets.id as set_id, change_sets.kind as set_kind, source, store_manager_id, store_manager_name,
  request_id, created, updated, deleted, change_sets.item_id as only_item, undoes, undone_by`

export interface SetRow {
  set_id: string
  set_kind: string
  source: string
  store_manager_id: string | null
  store_manager_name: string | null
  request_id: string | null
  created: number
  updated: number
  deleted: number
  /** Null for a set of many items. */
  only_item: string | null
  undoes: string | null
  undone_by: string | null
}

export interface EntryRow {
  item_id: string
  kind: string
  version: string
  name: string
  name_from: string | null
  category_from: string | null
  category_to: string | null
  price_usd_from: number | null
  price_usd_to: number | null
  in_stock_from: boolean | null
  in_stock_to: boolean | null
  owner_from: string | null
  owner_to: string | null
}

/** Reads one row more than the page has, which shows that there is a next page. */
async function readPage<Row>({ db, pool }: Source, text: RawBuilder<unknown>, { limit = defaultLimit }: PageQuery) {
  const statement = sql`${text} limit ${limit + 1}::integer`.compile(db)
  return (await pool.queryOnce(statement.sql, statement.parameters)).rows as Row[]
}

function toPage<Row, Entry>(
  rows: Row[],
  { limit = defaultLimit }: PageQuery,
  toEntryOf: (row: Row) => Entry,
  keyOf: (row: Row) => string,
): Page<Entry> {
  const found = rows.slice(0, limit)
  const last = rows.length > limit ? found.at(-1) : undefined
  return { entries: found.map(toEntryOf), next: last && keyOf(last) }
}

export function toSet(row: SetRow): ChangeSet {
  const { set_id: id, set_kind: kind, store_manager_id: manager, store_manager_name: name, ...others } = row
  const { source, request_id, created, updated, deleted, undoes, undone_by } = others
  const store_manager = manager === null ? null : { id: manager, name: name ?? '' }
  const at = new Date(timeOf(id)).toISOString()
  const undo = { ...(undoes !== null && { undoes }), ...(undone_by !== null && { undone_by }) }
  return { id, at, kind, source, store_manager, request_id, created, updated, deleted, ...undo }
}

export function toEntry(row: EntryRow): ItemChange {
  const { item_id, name, kind, version } = row
  const names = kind === 'create' ? [null, name] : kind === 'delete' ? [name, null] : [row.name_from, name]
  const fields = {
    ...(kind === 'update' && row.name_from === null ? {} : { name: names }),
    ...pairOf('category', row.category_from, row.category_to),
    ...pairOf('price_usd', row.price_usd_from, row.price_usd_to),
    ...pairOf('in_stock', row.in_stock_from, row.in_stock_to),
    ...pairOf('store_manager_id', row.owner_from, row.owner_to),
  }
  return { item_id, name, kind, version: Number(version), fields }
}

function pairOf<T>(name: string, from: T | null, to: T | null): Record<string, (T | null)[]> {
  return from === null && to === null ? {} : { [name]: [from, to] }
}

async function assertExists({ db }: Source, item: string): Promise<void> {
  const { rows } = await sql`select from items where id = ${item}::uuid`.execute(db)
  if (rows.length === 0) throw new Problem('item_not_found', 'No item has this ID.')
}
