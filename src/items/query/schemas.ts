import { type Static, Type } from 'typebox'

import { categories } from '../../database/constraints.ts'
import { exampleId, ref, strict, textPattern } from '../../openapi/schemas.ts'
import { Category, ItemQuery } from '../schemas.ts'

export const maxLimit = 1000
export const defaultLimit = 100

export const sorts = ['id', '-id', 'name', '-name', 'price_usd', '-price_usd', 'updated_at', '-updated_at'] as const
export type Sort = (typeof sorts)[number]

const exampleSort = 'price_usd'
const exampleCursor = Buffer.from(JSON.stringify([exampleSort, exampleId, '2.5'])).toString('base64url')
const exampleLink = `/items?limit=1&sort=${exampleSort}`
const uuid = '[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}'

// The examples of all parameters together find the item that is the example of ItemCreate.
const filters = {
  category: Type.Optional(
    Type.Array(ref(Category), {
      description: 'Items of this category; repeat it for items of any of several',
      examples: [['Grocery']],
    }),
  ),
  in_stock: Type.Optional(Type.Boolean({ description: 'Items in stock, or out of stock', examples: [true] })),
  store_manager_id: Type.Optional(
    Type.String({
      pattern: `^(?:me|${uuid})$`,
      'x-rule': 'must be a UUID such as 0190a6f2-7c1e-7b3a-9d5e-2f1c8e4b6a70, or me',
      description: 'Items of this owner; `me` is the caller',
      examples: ['me'],
    }),
  ),
  min_price: Type.Optional(
    Type.Number({ minimum: 0, description: 'Minimum price in US dollars, inclusive', examples: [1.5] }),
  ),
  max_price: Type.Optional(
    Type.Number({ minimum: 0, description: 'Maximum price in US dollars, inclusive', examples: [10] }),
  ),
  q: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 200,
      pattern: textPattern,
      description:
        'Items whose name contains each of these words, at most 10, ignoring case and accents: `creme tea` finds "Tea with Crème"',
      examples: ['green tea'],
    }),
  ),
}

const sort = Type.Optional(
  Type.Unsafe<Sort>({
    type: 'string',
    enum: [...sorts],
    description:
      'The order: `id` (by age, the default), `name` (by the Unicode collation), `price_usd`, or `updated_at`. Prefix `-` ' +
      'for descending order. Ties are broken by ID',
    examples: [exampleSort],
  }),
)

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
        description: `Maximum number of items per page; ${defaultLimit} by default`,
        examples: [50],
      }),
    ),
    after: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 2048,
        description:
          'Opaque cursor: the `X-Next-After` of the previous page, unchanged, with the same `sort` and filters',
        examples: [exampleCursor],
      }),
    ),
    ...Selection.properties,
    count: Type.Optional(
      Type.Unsafe<'exact' | 'estimated'>({
        type: 'string',
        enum: ['exact', 'estimated'],
        description:
          'Adds `X-Total-Count`, the number of items on all pages: `exact` (slower the more items match) or `estimated` (from ' +
          'the query plan, but at least the items of the page)',
        examples: ['exact'],
      }),
    ),
  },
  strict,
)
export type ListQuery = Static<typeof ListQuery>

export const pageHeaders = {
  Link: {
    type: 'string',
    description: 'On pages: the `next` page, unless this is the last, and the `first` (RFC 8288). Relative',
    examples: [`<${exampleLink}&after=${exampleCursor}>; rel="next", <${exampleLink}>; rel="first"`],
  },
  'X-Next-After': {
    type: 'string',
    description: 'On pages except the last: the `after` of the next page',
    examples: [exampleCursor],
  },
  'X-Total-Count': { type: 'integer', description: 'On pages, with `count`', examples: [1] },
}

const count = (description: string, example: number) => Type.Integer({ minimum: 0, description, examples: [example] })
const totals = {
  items: count('Number of items', 2),
  in_stock: count('Number of items in stock', 1),
  value_usd: Type.Unsafe<number | null>({
    type: ['number', 'null'],
    minimum: 0,
    description:
      'The sum of their prices in US dollars, exact to any number of digits; null if it exceeds a 64-bit float',
    examples: [7.49],
  }),
}
const none = { items: 0, in_stock: 0, value_usd: 0 }
const exampleTotals = { items: 2, in_stock: 1, value_usd: 7.49 }

export const ItemTotals = Type.Object(totals, {
  $id: 'ItemTotals',
  description: 'Counts and sums of items',
  examples: [exampleTotals],
})

export const PriceRange = Type.Object(
  {
    from: Type.Number({ minimum: 0, description: 'Lower bound in US dollars, inclusive', examples: [2] }),
    to: Type.Unsafe<number | null>({
      type: ['number', 'null'],
      description: 'Upper bound in US dollars, exclusive; null for the last range',
      examples: [5],
    }),
    items: count('Number of items in the range', 2),
  },
  { $id: 'PriceRange', description: 'A bucket of the price histogram', examples: [{ from: 2, to: 5, items: 2 }] },
)

export const ItemSummary = Type.Object(
  {
    ...totals,
    by_category: Type.Object(Object.fromEntries(categories.map((category) => [category, ref(ItemTotals)])), {
      description: 'Totals of each category, including empty ones',
      examples: [{ ...Object.fromEntries(categories.map((category) => [category, none])), Grocery: exampleTotals }],
    }),
    prices: Type.Array(ref(PriceRange), {
      description: 'Fixed price ranges from 0 upward, including empty ones',
      examples: [[{ from: 2, to: 5, items: 2 }]],
    }),
  },
  { $id: 'ItemSummary', description: 'Totals of items, by category and price' },
)
export type ItemSummary = Static<typeof ItemSummary>
