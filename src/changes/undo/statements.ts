import type { Selection } from '../../database/engine.ts'
import { setColumns, type SetRow } from '../changes.ts'
import { currentPosition } from '../record.ts'

// Of all statements, $1 is the set, $2 its only item or null, $3 the manager whose items may be written or null for all, and $4
// the undo. No row passes through this process, so its memory does not grow with the set.

export function scopeOf(onlyItem: string | null): string {
  return onlyItem === null
    ? 'entry.change_set_id = $1::uuid and entry.is_part and $2::uuid is null'
    : 'entry.change_set_id = $1::uuid and entry.item_id = $2::uuid'
}

export function selectionOf({ set_id: id, only_item: onlyItem }: Pick<SetRow, 'set_id' | 'only_item'>): Selection {
  const where = `id in (select entry.item_id from item_changes as entry where ${scopeOf(onlyItem)})`
  return { where, values: [id, onlyItem] }
}

const changedLater = `exists (
  select from item_changes as later where later.item_id = entry.item_id and later.version > entry.version)`
const hasOwner = `(entry.owner_from is null or exists (select from store_managers where id = entry.owner_from))`

/** Why the item of an entry cannot be restored; null if it can. */
const reason = `case
  when entry.kind <> 'delete' and items.id is null then 'deleted'
  when coalesce(items.store_manager_id, entry.owner_from) <> $3::uuid then 'not_owner'
  when entry.kind = 'delete' and items.id is not null then 'exists'
  when items.version <> entry.version then 'changed'
  when entry.kind = 'delete' and ${changedLater} then 'deleted'
  when not ${hasOwner} then 'owner_deleted'
end`

const judged = (scope: string, columns: string) => `
  select ${columns}, ${reason} as reason
  from item_changes as entry left join items on items.id = entry.item_id
  where ${scope}`

export const count = (scope: string) => `
  select kind, reason, count(*)::integer as entries
  from (${judged(scope, 'entry.kind')}) as judged group by kind, reason`

export const listConflicts = (scope: string, limit: number) => `
  select * from (${judged(
    `${scope} and not exists (
      select from item_changes as mine where mine.change_set_id = $4::uuid and mine.item_id = entry.item_id)`,
    'entry.item_id, entry.name, items.id, items.name as current_name, category, price_usd, in_stock, store_manager_id, items.version',
  )}) as judged
  where reason is not null order by item_id limit ${limit}`

export const previewChanges = (scope: string, limit: number) => `
  select ${reverted()} from (${judged(scope, 'entry.*')}) as entry
  where reason is null order by item_id limit ${limit}`

export const readSet = `select ${setColumns} from change_sets where id = $1`

export const readChanges = (limit: number) => `
  select * from item_changes where change_set_id = $1::uuid and is_part order by item_id limit ${limit}`

const columns = `item_id, kind, version, name, name_from, category_from, category_to, price_usd_from, price_usd_to,
  in_stock_from, in_stock_to, owner_from, owner_to`

function reverted(): string {
  const swapped = ['category', 'price_usd', 'in_stock', 'owner'].map(
    (field) => `${field}_to as ${field}_from, ${field}_from as ${field}_to`,
  )
  return `item_id, case kind when 'create' then 'delete' when 'delete' then 'create' else kind end as kind, version + 1 as version,
    coalesce(name_from, name) as name, case when name_from is not null then name end as name_from, ${swapped.join(', ')}`
}

const record = `
  insert into item_changes (${columns}, change_set_id, position, is_part)
  select ${reverted()}, $4::uuid, new_position, true from reverted`

// After a deletion or an update has locked an item, it compares the latest version, even one newer than its snapshot.
const isLast = `items.id = entry.item_id and items.version = entry.version
  and items.store_manager_id = coalesce($3::uuid, items.store_manager_id)`
const position = '(select position from current)'
const newPosition = `greatest(items.position, ${position})`

export const deleteCreated = (scope: string) => `
  with ${currentPosition},
  reverted as (
    delete from items using item_changes as entry
    where ${scope} and entry.kind = 'create' and ${isLast}
    returning entry.*, ${newPosition} as new_position)
  ${record}`

/** Former owners that do not exist any more, without $3 and $4. */
export const goneOwners = (scope: string) => `
  select distinct owner_from as id from item_changes as entry
  where ${scope} and not ${hasOwner}`

/** $5 has the owners that do not exist any more; one that is deleted meanwhile violates the foreign key. */
export const updateBack = (scope: string) => `
  with ${currentPosition},
  reverted as (
    update items set name = coalesce(entry.name_from, items.name), category = coalesce(entry.category_from, items.category),
      price_usd = coalesce(entry.price_usd_from, items.price_usd), in_stock = coalesce(entry.in_stock_from, items.in_stock),
      store_manager_id = coalesce(entry.owner_from, items.store_manager_id), version = items.version + 1,
      position = ${newPosition}, updated_at = now()
    from item_changes as entry
    where ${scope} and entry.kind = 'update' and ${isLast}
      and (entry.owner_from is null or entry.owner_from <> all($5::uuid[]))
    returning entry.*, items.position as new_position)
  ${record}`

export const createDeleted = (scope: string) => `
  with ${currentPosition},
  reverted as materialized (
    select entry.*, greatest(entry.position, ${position}) as new_position
    from item_changes as entry
    where ${scope} and entry.kind = 'delete' and entry.owner_from = coalesce($3::uuid, entry.owner_from) and ${hasOwner}
      and not exists (select from items where items.id = entry.item_id) and not ${changedLater}),
  created as (
    insert into items (id, name, category, price_usd, in_stock, store_manager_id, version, position)
    select item_id, name, category_from, price_usd_from, in_stock_from, owner_from, version + 1, new_position from reverted)
  ${record}`

/** Whether an item that the undo $1 created was created and deleted by others after the statement began. */
export const isOvertaken = `
  select exists (
    select from item_changes as mine join item_changes as other on other.item_id = mine.item_id
    where mine.change_set_id = $1::uuid and mine.is_part and mine.kind = 'create'
      and other.change_set_id <> mine.change_set_id and other.version >= mine.version) as is_overtaken`

export const setUndoneBy = 'update change_sets set undone_by = $2 where id = $1'
