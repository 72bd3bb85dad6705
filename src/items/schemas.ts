import type { Readable } from 'node:stream'

import { type Static, Type } from 'typebox'

import { categories } from '../database/constraints.ts'
import { exampleId, Name, nullable, ref, Uuid, ifMatchPattern } from '../openapi/schemas.ts'

export const Category = Type.Unsafe<(typeof categories)[number]>({
  $id: 'Category',
  type: 'string',
  enum: [...categories],
  description: 'The department an item belongs to',
  examples: ['Grocery'],
})

const ItemName = Type.String({ ...Name, description: 'At most 64 code points', examples: ['Green tea, 100 bags'] })
const PriceUsd = Type.Number({
  minimum: 0,
  description: 'US dollars. A 64-bit float, returned exactly as it was sent',
  examples: [4.99],
})
const InStock = Type.Boolean({ description: 'Whether it can be bought', examples: [true] })

const ItemId = Type.String({
  ...Uuid,
  description: 'Later items have greater IDs, except those imported with a UUID of another version than 7',
  examples: [exampleId],
})
const exampleOwner = '019a6f1d-52c4-7d09-8f3e-6b0a94c7e215'
const OwnerId = Type.String({ ...Uuid, description: 'The owner', examples: [exampleOwner] })

const example = { name: 'Green tea, 100 bags', category: 'Grocery', price_usd: 4.99, in_stock: true }
export const exampleItem = { id: exampleId, ...example, store_manager_id: exampleOwner }

export const ItemOwner = Type.Object(
  { id: OwnerId, name: Type.String({ ...Name, examples: ['Ada Lovelace'] }) },
  { $id: 'ItemOwner', description: 'The owner of an item, as other managers see it' },
)

export const Item = Type.Object(
  {
    id: ItemId,
    name: ItemName,
    category: ref(Category),
    price_usd: PriceUsd,
    in_stock: InStock,
    store_manager_id: OwnerId,
    store_manager: Type.Optional(ref(ItemOwner)),
  },
  {
    $id: 'Item',
    description: '`store_manager` is present with `expand=store_manager`',
    examples: [exampleItem],
  },
)
export type Item = Static<typeof Item>

export const ItemCreate = Type.Object(
  { name: ItemName, category: ref(Category), price_usd: PriceUsd, in_stock: InStock },
  { $id: 'ItemCreate', description: 'A new item', examples: [example] },
)
export type ItemCreate = Static<typeof ItemCreate>

export const ItemUpdate = Type.Object(
  {
    name: Type.Optional(nullable(ItemName)),
    category: Type.Optional(nullable(Type.Unsafe<Static<typeof Category>>({ type: 'string', enum: [...categories] }))),
    price_usd: Type.Optional(nullable(PriceUsd)),
    in_stock: Type.Optional(nullable(InStock)),
  },
  {
    $id: 'ItemUpdate',
    description: 'A field that is absent or null keeps its value',
    examples: [{ price_usd: 5.49, in_stock: false }],
  },
)
export type ItemUpdate = Static<typeof ItemUpdate>

// All of them are streamed, so what a route returns for that is their text.
export const Items = Type.Unsafe<Readable | Record<string, Item>>({
  $id: 'Items',
  type: 'object',
  additionalProperties: { $ref: 'Item#' },
  description: 'Items keyed by ID, in the requested order (oldest first by default)',
  examples: [{ [exampleId]: exampleItem }],
})

export const ItemParams = Type.Object({
  id: Type.String({ ...Uuid, description: 'The ID of the item', examples: [exampleId] }),
})

export const ItemQuery = Type.Object({
  expand: Type.Optional(
    Type.Unsafe<'store_manager'>({
      type: 'string',
      enum: ['store_manager'],
      description: 'Adds the owner to each item, as `store_manager: {id, name}`',
      examples: ['store_manager'],
    }),
  ),
})

export const IfNoneMatch = Type.Object({
  'if-none-match': Type.Optional(
    Type.String({
      description: 'ETags that the client has cached: if one still matches, the response is 304, without the item',
    }),
  ),
})

export const IfMatch = Type.Object({
  'if-match': Type.Optional(
    Type.String({
      pattern: ifMatchPattern,
      'x-rule': 'must be * or quoted ETags',
      description:
        'ETags from `createItem`, `getItem`, or `updateItem`: if the item no longer has one of these versions, the response ' +
        'is 412. `*` matches any version',
    }),
  ),
})
