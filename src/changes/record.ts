import { managerGone } from '../auth/tokens.ts'
import type { Session } from '../database/long-transaction.ts'

export interface ChangeSet {
  id: string
  kind: 'import' | 'bulk' | 'undo'
  manager: string
  requestId: string
  undoes?: string
}

/** Types of the columns of `wanted` for change sets, without `manager_id` and `manager_name`. */
export const setArrays = (first: number) => `$${first}::uuid[], $${first + 1}::text[]`
export const setColumns = 'change_set_id, request_id'

/** The fields of an item in the order of the columns of entries. */
export const fields = ['name', 'category', 'price_usd', 'in_stock'] as const

// A later transaction may have a lower position, so an entry has at least the position of its item's last change. PostgreSQL
// must know that there is one row, or it reads all items to join a few.
export const transactionPosition = `select pg_current_xact_id()::text::bigint + position_offset as position from change_feed where id = 1`
export const currentPosition = `current as materialized (${transactionPosition})`

// CTEs that record rows, each as a change set, in the statement that writes the items: neither exists without the other.

/** `wanted` has new items and the columns of `setColumns`. */
export const recordCreations = `
  entries as (
    insert into item_changes (item_id, change_set_id, kind, version, name, category_to, price_usd_to, in_stock_to, owner_to, position)
    select id, change_set_id, 'create', 1, name, category, price_usd, in_stock, manager_id, position from wanted, current),
  sets as (${setsOf('wanted', 'create', '1, 0, 0')})`

/** `changed` has the version and position after the change, and the fields before it as `old_name` and so on. */
export const recordUpdates = `
  entries as (insert into item_changes (${updateColumns()}) select ${updateValues('change_set_id')} from changed),
  sets as (${setsOf('changed', 'update', '0, 1, 0')})`

/** `deleted` has the fields before it. The entry has the version after the last one of the item. */
export const recordDeletions = `
  entries as (
    insert into item_changes (${deletionColumns()}) select ${deletionValues('change_set_id', 'version + 1')} from deleted),
  sets as (${setsOf('deleted', 'delete', '0, 0, 1')})`

/** The rest of a statement whose `insert` of items is a part of the set $2. */
export const recordParts = (insert: string) => `
  created as (
    ${insert}
    returning id, name, category, price_usd, in_stock, store_manager_id, version, position)
  insert into item_changes (item_id, change_set_id, kind, version, name, category_to, price_usd_to, in_stock_to, owner_to, position, is_part)
  select id, $2, 'create', version, name, category, price_usd, in_stock, store_manager_id, position, true from created`

export function updateColumns(): string {
  const others = fields.slice(1).map((field) => `${field}_from, ${field}_to`)
  return `item_id, change_set_id, kind, version, position, name, name_from, ${others.join(', ')}`
}

export function updateValues(changeSet: string): string {
  const others = fields.slice(1).map((field) => `${ifChanged(field, `old_${field}`)}, ${ifChanged(field, field)}`)
  return `id, ${changeSet}, 'update', version, position, name, ${ifChanged('name', 'old_name')}, ${others.join(', ')}`
}

/** `version` is the one after the deletion. */
export function deletionColumns(): string {
  return 'item_id, change_set_id, kind, version, position, name, category_from, price_usd_from, in_stock_from, owner_from'
}

export function deletionValues(changeSet: string, version: string): string {
  return `id, ${changeSet}, 'delete', ${version}, position, name, category, price_usd, in_stock, store_manager_id`
}

/** @param counts items created, updated, and deleted @throws Problem invalid_token if the manager no longer exists */
export async function recordSet(session: Pick<Session, 'query'>, set: ChangeSet, counts: number[]): Promise<void> {
  const values = [set.id, set.kind, set.manager, set.requestId, ...counts, set.undoes ?? null]
  const { rowCount } = await session.query(insertSet, values)
  if (rowCount === 0) throw managerGone()
}

const insertSet = `
  insert into change_sets (id, kind, source, store_manager_id, store_manager_name, request_id, created, updated, deleted, undoes)
  select $1, $2, 'api', id, name, $4, $5, $6, $7, $8 from store_managers where id = $3`

function setsOf(items: string, kind: string, counts: string): string {
  return `
    insert into change_sets (id, kind, source, store_manager_id, store_manager_name, request_id, created, updated, deleted, item_id)
    select change_set_id, '${kind}', 'api', manager_id, manager_name, request_id, ${counts}, id from ${items}`
}

function ifChanged(field: string, value: string): string {
  return `case when ${field} <> old_${field} then ${value} end`
}
