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

export const expansions = ['store_manager', 'dates', 'version'] as const
export type Expansion = (typeof expansions)[number]

const Time = { format: 'date-time', examples: ['2026-11-25T09:30:00.000Z'] }

export const Item = Type.Object(
  {
    id: ItemId,
    name: ItemName,
    category: ref(Category),
    price_usd: PriceUsd,
    in_stock: InStock,
    store_manager_id: OwnerId,
    store_manager: Type.Optional(ref(ItemOwner)),
    created_at: Type.Optional(
      nullable(
        Type.String({
          ...Time,
          description:
            'When it was created, in UTC. Of an item older than this field, the time in its ID; null if that is no UUIDv7',
        }),
      ),
    ),
    updated_at: Type.Optional(
      Type.String({
        ...Time,
        description: 'When it last changed, in UTC. Of an item older than this field, the time of the migration',
      }),
    ),
    version: Type.Optional(
      Type.Integer({
        minimum: 1,
        description: 'Incremented by each change. Version 3 is `"3"` in `If-Match`, with the quotes',
        examples: [3],
      }),
    ),
  },
  {
    $id: 'Item',
    description:
      'With `expand`, `store_manager` has `store_manager`; `dates` has `created_at` and `updated_at`; `version` has `version`',
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

// Always streamed, so routes return the text.
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
    Type.Array(Type.Unsafe<Expansion>({ type: 'string', enum: [...expansions] }), {
      description:
        'Adds to each item: `store_manager` its owner, as `store_manager: {id, name}`; `dates` its `created_at` and ' +
        '`updated_at`; `version` its `version`, for `If-Match`. Repeat it for several',
      examples: [['store_manager']],
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
