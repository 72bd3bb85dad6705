import { UnexpectedResponseError } from './errors.ts'
import { asJson, type Read } from './responses.ts'
import type { Item, operations } from './schema.ts'
import { isItems } from './shapes.ts'
import { type CallOptions, type Connection, send } from './transport.ts'

type Query = NonNullable<operations['listItems']['parameters']['query']>

export type Expand = NonNullable<Query['expand']> | NonNullable<Query['expand']>[number]

export interface ListQuery extends Omit<Query, 'expand'> {
  expand?: Expand | undefined
}

export interface Page {
  items: Item[]
  /** The `after` of the next page; undefined on the last one. */
  next: string | undefined
  /** The number of items on all pages, if `count` was requested. */
  total: number | undefined
}

const standardLimit = 100
const largestLimit = 1000
const asItems = asJson(isItems)

export function pageMethods(connection: Connection) {
  const read = <T>(query: ListQuery, { signal }: CallOptions, take: Read<T>) =>
    send(connection, { method: 'GET', path: '/items', query, isIdempotent: true, signal }, take)

  const list = (query: ListQuery = {}, call: CallOptions = {}): Promise<Page> =>
    read({ limit: standardLimit, ...query }, call, toPage)

  async function* pages(query: ListQuery = {}, call: CallOptions = {}): AsyncGenerator<Page, void, undefined> {
    let after = query.after
    do {
      const page = await list({ limit: largestLimit, ...query, ...(after !== undefined && { after }) }, call)
      yield page
      after = page.next
    } while (after !== undefined)
  }

  async function* each(query: ListQuery = {}, call: CallOptions = {}): AsyncGenerator<Item, void, undefined> {
    for await (const { items } of pages(query, call)) yield* items
  }

  return {
    /** Returns one page, of 100 items unless `limit` is given. */
    list,
    /** Iterates over pages, requesting each on demand. */
    pages,
    /** Iterates over items: in constant memory, and stable under concurrent writes. */
    each,
    /** Returns all items. Without filters and order, they are one response, and a consistent snapshot. */
    async all({ expand, ...query }: ListQuery = {}, call: CallOptions = {}): Promise<Item[]> {
      const expanded = expand && { expand }
      const isWhole = Object.values(query).every((value) => value === undefined)
      if (isWhole) return Object.values(await read({ ...expanded }, call, asItems))
      const items: Item[] = []
      for await (const page of pages({ ...query, ...expanded }, call)) items.push(...page.items)
      return items
    },
  }
}

const toPage: Read<Page> = async (response, hold) => {
  const items = Object.values(await asItems(response, hold))
  const link = response.headers.get('link')
  // Otherwise every page would look like the last one.
  if (link === null) {
    throw new UnexpectedResponseError(
      response.status,
      'a page came without a Link header. Does CORS or a proxy remove it?',
    )
  }
  const [, next] = /<([^>]*)>; *rel="next"/.exec(link) ?? []
  const total = response.headers.get('x-total-count')
  return {
    items,
    // Only the cursor is taken, because the URL is relative to a server that may be behind a path.
    next: next === undefined ? undefined : (new URLSearchParams(next.split('?')[1]).get('after') ?? undefined),
    total: total === null ? undefined : Number(total),
  }
}
