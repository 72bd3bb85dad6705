import { type Static, Type } from 'typebox'

import { categories } from '../../database/constraints.ts'
import { exampleId, ref, strict, textPattern } from '../../openapi/schemas.ts'
import { Category, ItemQuery } from '../schemas.ts'

/** Most items of a page, and how many there are unless the client says. */
export const maxLimit = 1000
export const defaultLimit = 100

export const sorts = ['id', '-id', 'name', '-name', 'price_usd', '-price_usd'] as const
export type Sort = (typeof sorts)[number]

const exampleSort = 'price_usd'
const exampleCursor = Buffer.from(JSON.stringify([exampleSort, exampleId, '2.5'])).toString('base64url')
const exampleLink = `/items?limit=1&sort=${exampleSort}`
const uuid = '[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}'

// The examples of all parameters together find the item that is the example of ItemCreate.
const filters = {
  category: Type.Optional(
    Type.Array(ref(Category), {
      description: 'Items of this category; given several times: of one of these',
      examples: [['Grocery']],
    }),
  ),
  in_stock: Type.Optional(
    Type.Boolean({ description: 'Items that can be bought now, or those that cannot', examples: [true] }),
  ),
  store_manager_id: Type.Optional(
    Type.String({
      pattern: `^(?:me|${uuid})$`,
      'x-rule': 'must be a UUID such as 0190a6f2-7c1e-7b3a-9d5e-2f1c8e4b6a70, or me',
      description: 'Items of this owner; `me` is who asks',
      examples: ['me'],
    }),
  ),
  min_price: Type.Optional(
    Type.Number({ minimum: 0, description: 'Items of this price in US dollars, or more', examples: [1.5] }),
  ),
  max_price: Type.Optional(
    Type.Number({ minimum: 0, description: 'Items of this price in US dollars, or less', examples: [10] }),
  ),
  q: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 200,
      pattern: textPattern,
      description:
        'Items whose name has each of these words, at most 10, somewhere in it; case and accents do not matter: `creme tea` finds «Tea with Crème»',
      examples: ['green tea'],
    }),
  ),
}

const sort = Type.Optional(
  Type.Unsafe<Sort>({
    type: 'string',
    enum: [...sorts],
    description:
      'The order: `id` is by age and what is used if nothing is said, `name` as in a dictionary of many languages; with `-` ' +
      'the other way round. Items that are alike in this are in the order of their ids',
    examples: [exampleSort],
  }),
)

/** Which items, in which order. */
export const Selection = Type.Object({ ...filters, sort })
export type Selection = Static<typeof Selection>

export const SummaryQuery = Type.Object(filters, strict)
export type Filters = Static<typeof SummaryQuery>

export const ListQuery = Type.Object(
  {
    ...ItemQuery.properties,
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: maxLimit,
        description: `Items of a page at most; ${defaultLimit} if nothing is said`,
        examples: [50],
      }),
    ),
    after: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 2048,
        description:
          'Where the page begins: the `X-Next-After` of the page before, unchanged, with the same `sort` and filters. ' +
          'What is in it may change',
        examples: [exampleCursor],
      }),
    ),
    ...Selection.properties,
    count: Type.Optional(
      Type.Unsafe<'exact' | 'estimated'>({
        type: 'string',
        enum: ['exact', 'estimated'],
        description:
          'Adds `X-Total-Count`, how many items there are on all pages: counted, which takes the longer the more there are, ' +
          'or about as many as PostgreSQL thinks, which is at least what the page shows',
        examples: ['exact'],
      }),
    ),
  },
  strict,
)
export type ListQuery = Static<typeof ListQuery>

/** The headers of a page. */
export const pageHeaders = {
  Link: {
    type: 'string',
    description: 'Of a page: the `next` one, unless this is the last, and the `first` (RFC 8288). Relative',
    examples: [`<${exampleLink}&after=${exampleCursor}>; rel="next", <${exampleLink}>; rel="first"`],
  },
  'X-Next-After': {
    type: 'string',
    description: 'Of a page, unless it is the last: the `after` of the next one',
    examples: [exampleCursor],
  },
  'X-Total-Count': { type: 'integer', description: 'Of a page, when it was asked for with `count`', examples: [1] },
}

const count = (description: string, example: number) => Type.Integer({ minimum: 0, description, examples: [example] })
const totals = {
  items: count('How many items', 2),
  in_stock: count('How many of them can be bought now', 1),
  value_usd: Type.Unsafe<number | null>({
    type: ['number', 'null'],
    minimum: 0,
    description:
      'The sum of their prices in US dollars. Exact, however many digits that takes; null if it is beyond what a 64-bit float holds',
    examples: [7.49],
  }),
}
const none = { items: 0, in_stock: 0, value_usd: 0 }
const exampleTotals = { items: 2, in_stock: 1, value_usd: 7.49 }

export const ItemTotals = Type.Object(totals, {
  $id: 'ItemTotals',
  description: 'Some items, counted and summed up',
  examples: [exampleTotals],
})

export const PriceRange = Type.Object(
  {
    from: Type.Number({ minimum: 0, description: 'The least price in US dollars', examples: [2] }),
    to: Type.Unsafe<number | null>({
      type: ['number', 'null'],
      description: 'The price in US dollars that is too much; null: there is none',
      examples: [5],
    }),
    items: count('How many items cost that', 2),
  },
  { $id: 'PriceRange', description: 'A bar of the histogram of prices', examples: [{ from: 2, to: 5, items: 2 }] },
)

export const ItemSummary = Type.Object(
  {
    ...totals,
    by_category: Type.Object(Object.fromEntries(categories.map((category) => [category, ref(ItemTotals)])), {
      description: 'The same for each category, also those without items',
      examples: [{ ...Object.fromEntries(categories.map((category) => [category, none])), Grocery: exampleTotals }],
    }),
    prices: Type.Array(ref(PriceRange), {
      description: 'Prices from 0 upwards, always the same ranges, also those without items',
      examples: [[{ from: 2, to: 5, items: 2 }]],
    }),
  },
  { $id: 'ItemSummary', description: 'What items there are' },
)
export type ItemSummary = Static<typeof ItemSummary>
