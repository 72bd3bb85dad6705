import type { Session } from '../database/long-transaction.ts'

/** What a change set says of itself, beside its counts. */
export interface ChangeSet {
  id: string
  kind: 'import'
  /** The manager who sends the request. */
  manager: string
  requestId: string
}

/** The columns of `wanted` that a statement needs to record the change set of each row. */
export const setArrays = (first: number) => `$${first}::uuid[], $${first + 1}::text[]`
export const setColumns = 'change_set_id, request_id'

/** Of an item, in this order: what entries are made of. */
export const fields = ['name', 'category', 'price_usd', 'in_stock'] as const

/**
 * CTEs that record the rows of the CTE `created`, which has the columns of `items` and those of `setColumns`: one change set
 * for each. They belong in the statement that writes the items, so that neither exists without the other.
 */
export const recordCreations = `
  entries as (insert into item_changes (item_id, change_set_id, kind, version, name, category_to, price_usd_to, in_stock_to, owner_to)
    select id, change_set_id, 'create', version, name, category, price_usd, in_stock, store_manager_id from created),
  sets as (${setsOf('created', 'create', '1, 0, 0')})`

/** The same for updates. The CTE `updated` also has the fields before the update, as `old_name` and so on. */
export const recordUpdates = `
  changed as materialized (select * from updated where (name, category, price_usd, in_stock)
    is distinct from (old_name, old_category, old_price_usd, old_in_stock)),
  entries as (insert into item_changes (${updateColumns()}) select ${updateValues('change_set_id')} from changed),
  sets as (${setsOf('changed', 'update', '0, 1, 0')})`

/** The same for deletions, whose entry has the version after the last one of the item. */
export const recordDeletions = `
  entries as (insert into item_changes (item_id, change_set_id, kind, version, name, category_from, price_usd_from, in_stock_from, owner_from)
    select id, change_set_id, 'delete', version + 1, name, category, price_usd, in_stock, store_manager_id from deleted),
  sets as (${setsOf('deleted', 'delete', '0, 0, 1')})`

/** Columns of the entry of an update, and their values from a CTE as `recordUpdates` takes it. */
export function updateColumns(): string {
  const others = fields.slice(1).map((field) => `${field}_from, ${field}_to`)
  return `item_id, change_set_id, kind, version, name, name_from, ${others.join(', ')}`
}

export function updateValues(changeSet: string): string {
  const others = fields.slice(1).map((field) => `${ifChanged(field, `old_${field}`)}, ${ifChanged(field, field)}`)
  return `id, ${changeSet}, 'update', version, name, ${ifChanged('name', 'old_name')}, ${others.join(', ')}`
}

/** Records the set of a request whose entries are written already. @param counts items created, updated, and deleted */
export async function recordSet(session: Pick<Session, 'query'>, set: ChangeSet, counts: number[]): Promise<void> {
  await session.query(insertSet, [set.id, set.kind, set.manager, set.requestId, ...counts])
}

const insertSet = `
  insert into change_sets (id, kind, source, store_manager_id, store_manager_name, request_id, created, updated, deleted)
  select $1, $2, 'api', id, name, $4, $5, $6, $7 from store_managers where id = $3`

function setsOf(items: string, kind: string, counts: string): string {
  return `insert into change_sets (id, kind, source, store_manager_id, store_manager_name, request_id, created, updated, deleted)
    select change_set_id, '${kind}', 'api', manager_id, store_managers.name, request_id, ${counts}
    from ${items} join store_managers on store_managers.id = manager_id`
}

function ifChanged(field: string, value: string): string {
  return `case when ${field} <> old_${field} then ${value} end`
}
