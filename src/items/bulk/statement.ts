import { type RawBuilder, sql } from 'kysely'

import type { EntryRow } from '../../changes/changes.ts'
import { currentPosition, deletionColumns, deletionValues, updateColumns, updateValues } from '../../changes/record.ts'
import { validationFailed } from '../../problems.ts'
import { whereFilters } from '../query/filters.ts'
import { type BulkRequest, type Change, maxListedErrors, type PriceChange, maxListedChanges } from './schemas.ts'

export interface BulkOptions {
  me: string
  isShared: boolean
  isDry: boolean
}

export interface Outcome {
  owned: number
  not_owned: number
  different: number
  refused: number
  /** Without columns that are null in all. */
  shown: (Pick<EntryRow, 'item_id' | 'kind' | 'version' | 'name'> & Partial<EntryRow>)[]
  refusals: Refusal[] | null
}

export interface Refusal {
  item_id: string
  price: string
  is_negative: boolean
}

export function selectedItems({ ids, filters = {} }: BulkRequest['select'], me: string): RawBuilder<boolean> {
  return ids ? sql`items.id = any(${ids}::uuid[])` : whereFilters(filters, me, ['body', 'select', 'filters'])
}

/** Locks and filters the latest version of each item. @throws Problem invalid_request */
export function bulkStatement(
  { select, change, expect }: BulkRequest,
  { me, isShared, isDry }: BulkOptions,
  setId: string,
): RawBuilder<Outcome> {
  const isSelected = selectedItems(select, me)
  const isOwned = isShared ? sql`true` : sql`items.store_manager_id = ${me}::uuid`
  const columns = sql.raw(change === 'delete' ? deletionColumns() : updateColumns())
  const id = sql`${setId}::uuid`
  const values = change === 'delete' ? deletionValues('set_id', 'version') : updateValues('set_id')
  return sql<Outcome>`
    with ${sql.raw(currentPosition)},
    selected as materialized (
      select items.id, ${id} as set_id, items.version, items.position, items.store_manager_id, items.name,
        items.name as old_name, items.category as old_category, items.price_usd as old_price_usd,
        items.in_stock as old_in_stock, ${newValues(change)}
      from items where ${isOwned} and ${isSelected} ${isDry ? sql`` : sql`for no key update of items`}),
    counts as materialized (
      select owned.*, (select count(*)::integer from items where not (${isOwned}) and ${isSelected}) as not_owned
      from (
        select count(*)::integer as owned, (count(*) filter (where ${isDifferent(change)}))::integer as different,
          (count(*) filter (where ${isRefused(change)}))::integer as refused
        from selected) as owned),
    changed as (
      select selected.id, set_id, selected.version + 1 as version, greatest(selected.position, current.position) as position,
        store_manager_id, name, old_name, category, old_category, price_usd, old_price_usd, in_stock, old_in_stock
      from selected, current, counts
      where refused = 0 and owned + not_owned = coalesce(${expect?.matched}::bigint, owned + not_owned)
        and ${isDifferent(change)}),
    ${isDry ? sql`` : write(change)}
    written (${columns}) as (select ${sql.raw(values)} from changed)
    ${isDry ? sql`` : sql`, entries as (insert into item_changes (${columns}, is_part) select *, true from written)`}
    select counts.*,
      (select coalesce(json_agg(first), '[]')
        from (select * from written order by item_id limit ${sql.lit(maxListedChanges)}) as first) as shown,
      case when refused > 0 then (${listRefusals(change)}) end as refusals
    from counts`
}

/** The first prices to refuse, at most 40 characters of each. */
function listRefusals(change: Change): RawBuilder<unknown> {
  const price = sql`left(price_usd::text, 40) || case when length(price_usd::text) > 40 then '…' else '' end`
  return sql`
    select json_agg(listed) from (
      select id as item_id, ${price} as price, price_usd < 0 as is_negative
      from selected where ${isRefused(change)} order by id limit ${sql.lit(maxListedErrors)}) as listed`
}

function write(change: Change): RawBuilder<unknown> {
  if (change === 'delete') return sql`removed as (delete from items using changed where items.id = changed.id),`
  return sql`
    updated as (
      update items set category = changed.category, price_usd = changed.price_usd, in_stock = changed.in_stock,
        version = changed.version, position = changed.position, updated_at = now()
      from changed where items.id = changed.id),`
}

function newValues(change: Change): RawBuilder<unknown> {
  const set = typeof change === 'object' && 'set' in change ? change.set : {}
  const { category, price_usd: price, in_stock: inStock } = set
  const fixedPrice = sql`coalesce(${price}::numeric, items.price_usd)`
  const isComputed = typeof change === 'object' && 'price' in change
  return sql`
    coalesce(${category}::text, items.category) as category,
    ${isComputed ? newPrice(change.price) : fixedPrice} as price_usd,
    coalesce(${inStock}::boolean, items.in_stock) as in_stock`
}

/** Products, sums, and remainders of NUMERIC are exact; quotients are not. */
function newPrice({ percent, add, round }: PriceChange): RawBuilder<unknown> {
  if ((percent === undefined) === (add === undefined)) {
    const msg = 'must have either percent or add'
    throw validationFailed([{ type: 'value_error', loc: ['body', 'change', 'price'], msg }])
  }
  const exact =
    percent === undefined
      ? sql`items.price_usd + ${add}::numeric`
      : sql`items.price_usd * (100 + ${percent}::numeric) * 0.01`
  if (round === undefined) return sql`trim_scale(${exact})`
  const step = sql`${round}::numeric`
  const rest = sql`mod(${exact}, ${step})`
  return sql`trim_scale(
    ${exact} - ${rest} + case when 2 * abs(${rest}) >= ${step} then sign(${exact}) * ${step} else 0 end)`
}

function isDifferent(change: Change): RawBuilder<boolean> {
  if (change === 'delete') return sql`true`
  return sql`(category, price_usd, in_stock) is distinct from (old_category, old_price_usd, old_in_stock)`
}

/** Whether a new price is negative or is the shortest decimal of no 64-bit float. Out of their range, the cast fails. */
function isRefused(change: Change): RawBuilder<boolean> {
  if (change === 'delete' || 'set' in change) return sql`false`
  return sql`
    price_usd <> old_price_usd and case
      when price_usd = 0 then false
      when price_usd not between 5e-324 and 1.7976931348623157e308 then true
      else price_usd::double precision::text::numeric <> price_usd end`
}
