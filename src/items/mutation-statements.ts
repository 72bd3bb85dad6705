import { tokenArrays, tokenColumns, wantedWithManager } from '../auth/token-validity.ts'
import { currentPosition, fields, recordDeletions, recordUpdates, setArrays, setColumns } from '../changes/record.ts'

const conditionArrays = `${tokenArrays}, $5::uuid[], $6::boolean[], $7::text[], ${setArrays(8)}`
const conditionColumns = `${tokenColumns}, id, is_owners_only, versions, ${setColumns}`

// Locks, checks, and returns the latest version of each row, even if newer than the snapshot of the statement.
const lock = (columns: string, source = 'items') => `
  select items.id, items.store_manager_id, items.version as old_version, items.position as old_position,
    manager_id, manager_name, ${setColumns}, ${columns}
  from ${source} join wanted on items.id = wanted.id
  where items.id = any($5) and (items.store_manager_id = manager_id or not is_owners_only)
    and (versions is null or items.version = any(versions::bigint[]))
  ${source === 'items' ? 'for no key update of items skip locked' : ''}`

const changeArrays = `${conditionArrays}, $10::text[], $11::text[], $12::numeric[], $13::boolean[]`
const changeColumns = `${conditionColumns}, ${fields.map((field) => `new_${field}`).join(', ')}`
const oldAndNew = fields.map(
  (field) => `items.${field} as old_${field}, coalesce(new_${field}, items.${field}) as ${field}`,
)

// Written out, because the builder would build the same statements again for each request. Null keeps a column.
const update = (source?: string) => `
  with wanted as materialized (${wantedWithManager(changeArrays, changeColumns)}),
  ${currentPosition},
  locked as materialized (${lock(oldAndNew.join(', '), source)}),
  changed as materialized (
    select locked.*, old_version + 1 as version, greatest(old_position, position) as position
    from locked, current
    where (name, category, price_usd, in_stock) is distinct from (old_name, old_category, old_price_usd, old_in_stock)),
  ${source === undefined ? writeChanged : ''}
  ${recordUpdates}
  select locked.id, locked.name, locked.category, locked.price_usd, locked.in_stock, locked.store_manager_id,
    coalesce(changed.version, locked.old_version) as version${source === undefined ? '' : ', changed.position'}
  from locked left join changed on changed.id = locked.id`

const writeChanged = `
  updated as (
    update items set name = changed.name, category = changed.category, price_usd = changed.price_usd,
      in_stock = changed.in_stock, version = changed.version, position = changed.position, updated_at = now()
    from changed where items.id = changed.id),`

const deletion = (source?: string) => `
  with wanted as materialized (${wantedWithManager(conditionArrays, conditionColumns)}),
  ${currentPosition},
  locked as materialized (${lock('items.name, items.category, items.price_usd, items.in_stock, items.version', source)}),
  ${source === undefined ? 'removed as (delete from items using locked where items.id = locked.id),' : ''}
  deleted as materialized (select locked.*, greatest(old_position, position) as position from locked, current),
  ${recordDeletions}
  select id from locked`

export const updateItems = update()
export const deleteItems = deletion()

/** An item as it was locked, as parameters instead of a row of `items`. */
const lockedSource = (first: number) => `
  (values (${lockedTypes.map((type, index) => `$${first + index}::${type}`).join(', ')}))
  as items (id, name, category, price_usd, in_stock, store_manager_id, version, position)`
const lockedTypes = ['uuid', 'text', 'text', 'numeric', 'boolean', 'uuid', 'bigint', 'bigint']

/** For an item that is locked, which another statement writes. */
export const recordUpdate = update(lockedSource(14))
export const recordDeletion = deletion(lockedSource(10))
export const writeItem = `
  update items set name = $2, category = $3, price_usd = $4, in_stock = $5, version = $6, position = $7, updated_at = now()
  where id = $1`
export const deleteItem = 'delete from items where id = $1'

export const lockItem = `
  select id, name, category, price_usd, in_stock, store_manager_id, version, position
  from items where id = $1 for no key update`
