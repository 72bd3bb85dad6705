import type { Server } from '../../src/database/server.ts'
import { onServer, type TestApp } from './app.ts'

/** A change set and its entries as they are stored, those of the set in the order of the IDs of their items. */
export interface StoredSet {
  kind: string
  source: string
  manager: string | null
  name: string | null
  requestId: string | null
  counts: number[]
  entries: Record<string, unknown>[]
}

/** All change sets, the oldest first. Columns of entries that are null are left out; numbers are text. */
export async function readHistory({ server, context }: Pick<TestApp, 'server' | 'context'>): Promise<StoredSet[]> {
  const { schema } = context.config.pool
  const { rows } = await onServer(
    server,
    `select kind, source, store_manager_id as manager, store_manager_name as name, request_id as "requestId",
       array[created, updated, deleted] as counts,
       (select json_agg(json_strip_nulls(json_build_object('item', item_id, 'kind', kind, 'version', version, 'name', name,
          'name_from', name_from, 'category_from', category_from, 'category_to', category_to,
          'price_from', price_usd_from::text, 'price_to', price_usd_to::text, 'stock_from', in_stock_from,
          'stock_to', in_stock_to, 'owner_from', owner_from, 'owner_to', owner_to)) order by item_id)
        from ${schema}.item_changes where change_set_id = change_sets.id) as entries
     from ${schema}.change_sets order by id`,
  )
  return rows
}

/**
 * Replays the entries of each item by version, and returns what disagrees: with the entry before, or with the item as it is.
 * Empty if history and items agree.
 */
export async function findDisagreements({ server, context }: Pick<TestApp, 'server' | 'context'>): Promise<string[]> {
  return disagreementsIn(server, context.config.pool.schema)
}

export async function disagreementsIn(server: Server, schema: string): Promise<string[]> {
  const { rows } = await onServer(
    server,
    `with chained as (
       select *, lag(version) over chain as last_version, lag(kind) over chain as last_kind,
         lag(position) over chain as last_position,
         lag(name) over chain as last_name, lead(version) over chain as next_version
       from ${schema}.item_changes window chain as (partition by item_id order by version))
     select 'gap before version ' || version || ' of ' || item_id as line from chained
       where version <> coalesce(last_version, 0) + 1 or position < last_position or (kind = 'create') <> (last_version is null or last_kind = 'delete')
         or name_from <> last_name
     union all
     select 'last entry differs from item ' || chained.item_id from chained left join ${schema}.items on items.id = item_id
       where next_version is null and (kind = 'delete') = (items.id is not null)
         or next_version is null and (items.version <> chained.version or items.name <> chained.name
         or (items.category, items.price_usd, items.in_stock, items.store_manager_id) is distinct from (
           ${lastOf('category', schema)}, ${lastOf('price_usd', schema)}, ${lastOf('in_stock', schema)}, ${lastOf('owner', schema)})
         or items.position <> chained.position)
     union all
     select 'no entry of item ' || id from ${schema}.items where id not in (select item_id from ${schema}.item_changes)
     union all
     select 'no set of an entry of ' || item_id from ${schema}.item_changes
       where change_set_id not in (select id from ${schema}.change_sets)
     union all
     select 'wrong counts of set ' || id from ${schema}.change_sets
       where array[created, updated, deleted]::bigint[] <> (
         select array[count(*) filter (where item_changes.kind = 'create'), count(*) filter (where item_changes.kind = 'update'),
           count(*) filter (where item_changes.kind = 'delete')]
         from ${schema}.item_changes where change_set_id = change_sets.id)`,
  )
  return rows.map(({ line }) => line)
}

/** The value of a field after the last entry that has it. */
function lastOf(field: string, schema: string): string {
  return `(
    select ${field}_to from ${schema}.item_changes other
    where other.item_id = items.id and ${field}_to is not null order by version desc limit 1)`
}
