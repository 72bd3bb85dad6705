import type { Category, Filters, ListQuery } from '../../../src/client/client.ts'

export const categories = [
  'Grocery',
  'Household',
  'Electronics',
  'Stationery',
  'Personal Care',
  'Apparel',
  'Home Improvement',
  'Pet',
] as const satisfies readonly Category[]

export const sortFields = ['name', 'price_usd', 'updated_at'] as const
export type SortField = (typeof sortFields)[number]
export type Sort = NonNullable<ListQuery['sort']>

/** The state of the list, as it is in the URL. */
export interface ItemsQuery {
  q: string
  category: Category[]
  in_stock: boolean | undefined
  /** `me`, or the ID of a manager. */
  owner: string | undefined
  min_price: number | undefined
  max_price: number | undefined
  /** Undefined: the newest first. */
  sort: Sort | undefined
  after: string | undefined
}

export const noQuery: ItemsQuery = {
  q: '',
  category: [],
  in_stock: undefined,
  owner: undefined,
  min_price: undefined,
  max_price: undefined,
  sort: undefined,
  after: undefined,
}

export const newestFirst: Sort = '-id'
/** Shorter words match too many names to be searched while typing. */
export const shortestSearch = 3

const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i
const sorts = new Set([...sortFields, 'id'].flatMap((field) => [field, `-${field}`]))

/** Reads the query of a URL. Unknown and invalid values are ignored, because links may be old. */
export function parseQuery(search: string): ItemsQuery {
  const given = new URLSearchParams(search)
  const owner = given.get('owner') ?? undefined
  const sort = given.get('sort') ?? ''
  const stock = given.get('in_stock')
  return {
    q: (given.get('q') ?? '').slice(0, 200),
    category: categories.filter((category) => given.getAll('category').includes(category)),
    in_stock: stock === 'true' || (stock === 'false' ? false : undefined),
    owner: owner === 'me' || (owner !== undefined && uuid.test(owner)) ? owner : undefined,
    min_price: toPrice(given.get('min_price')),
    max_price: toPrice(given.get('max_price')),
    sort: sorts.has(sort) && sort !== newestFirst ? (sort as Sort) : undefined,
    after: given.get('after') || undefined,
  }
}

/** The query of a URL, in a fixed order and without what is not set. */
export function toSearch({ category, ...query }: ItemsQuery): string {
  const search = new URLSearchParams()
  if (query.q !== '') search.set('q', query.q)
  for (const each of category) search.append('category', each)
  for (const name of ['in_stock', 'owner', 'min_price', 'max_price', 'sort', 'after'] as const) {
    const value = query[name]
    if (value !== undefined) search.set(name, String(value))
  }
  return search.toString()
}

/** The filters by the names of the API. */
export function toFilters({ q, category, in_stock, owner, min_price, max_price }: ItemsQuery): Filters {
  return {
    ...(q.trim() !== '' && { q: q.trim() }),
    ...(category.length > 0 && { category }),
    ...(in_stock !== undefined && { in_stock }),
    ...(owner !== undefined && { store_manager_id: owner }),
    ...(min_price !== undefined && { min_price }),
    ...(max_price !== undefined && { max_price }),
  }
}

export function toListQuery(query: ItemsQuery): ListQuery {
  return {
    ...toFilters(query),
    sort: query.sort ?? newestFirst,
    ...(query.after !== undefined && { after: query.after }),
    limit: 100,
    expand: ['store_manager', 'version'],
  }
}

export function hasFilters(query: ItemsQuery): boolean {
  return Object.keys(toFilters(query)).length > 0
}

/** Of those that a small screen hides behind a button. */
export function countFilters({ category, in_stock, owner, min_price, max_price }: ItemsQuery): number {
  const isPriced = min_price !== undefined || max_price !== undefined
  return [category.length > 0, in_stock !== undefined, owner !== undefined, isPriced].filter(Boolean).length
}

/** Equal for two queries that match the same items. */
export function filtersKey(query: ItemsQuery): string {
  return toSearch({ ...query, sort: undefined, after: undefined })
}

/** The order after a click on a column: ascending, descending, and as before. */
export function nextSort(sort: Sort | undefined, field: SortField): Sort | undefined {
  if (sort === field) return `-${field}`
  return sort === `-${field}` ? undefined : field
}

/** Whether to search while the manager types: from three letters on, or when the field was cleared. */
export function isSearchable(q: string): boolean {
  const longest = Math.max(
    0,
    ...q
      .trim()
      .split(/\s+/)
      .map((word) => word.length),
  )
  return longest === 0 || longest >= shortestSearch
}

function toPrice(given: string | null): number | undefined {
  if (given === null || given.trim() === '') return undefined
  const value = Number(given)
  return Number.isFinite(value) && value >= 0 ? value : undefined
}
