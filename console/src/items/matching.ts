import type { FeedEvent } from '../../../src/client/client.ts'
import type { ItemsQuery } from './query.ts'

/** Whether the filters match a new item. `myId` is the owner that `owner=me` means. */
export function matches(
  { name, fields }: Pick<FeedEvent, 'name' | 'fields'>,
  query: ItemsQuery,
  myId: string,
): boolean {
  const price = fields.price_usd?.[1]
  const category = fields.category?.[1]
  const isInStock = fields.in_stock?.[1]
  const owner = fields.store_manager_id?.[1]
  const words = query.q.trim().split(/\s+/).map(plain)
  const wantedOwner = query.owner === 'me' ? myId : query.owner
  return (
    words.every((word) => plain(name).includes(word)) &&
    (query.category.length === 0 || query.category.some((each) => each === category)) &&
    (query.in_stock === undefined || query.in_stock === isInStock) &&
    (wantedOwner === undefined || wantedOwner === owner) &&
    (query.min_price === undefined || (typeof price === 'number' && price >= query.min_price)) &&
    (query.max_price === undefined || (typeof price === 'number' && price <= query.max_price))
  )
}

/** Without case and accents, as the service compares names. */
function plain(text: string): string {
  return text.normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase()
}
