import { type Static, Type } from 'typebox'

import { ChangeSet, ItemChange } from '../../changes/schemas.ts'
import { exampleId, ref, strict } from '../../openapi/schemas.ts'
import { SummaryQuery } from '../query/schemas.ts'
import { Category, ItemCreate } from '../schemas.ts'

export const maxIds = 10_000

export const maxListedChanges = 100
export const maxListedErrors = 1_000

// One schema rather than `oneOf`, whose errors would not say which member is wrong.
const exactlyOne = { minProperties: 1, maxProperties: 1, ...strict }

const Select = Type.Object(
  {
    ids: Type.Optional(
      Type.Array(Type.String({ format: 'uuid' }), {
        maxItems: maxIds,
        'x-rule': 'must have at most 10,000 IDs',
        description: 'Items with these IDs, at most 10,000. Repeated ones count once',
        examples: [[exampleId]],
      }),
    ),
    filters: Type.Optional(
      Type.Object(SummaryQuery.properties, {
        ...strict,
        description: 'Items that match all of these filters, which mean the same as in `listItems`',
      }),
    ),
  },
  { ...exactlyOne, 'x-rule': 'must have either ids or filters', description: 'The items: `ids` or `filters`' },
)

const { category: _category, price_usd, in_stock } = ItemCreate.properties
const NewValues = Type.Object(
  { category: Type.Optional(ref(Category)), price_usd: Type.Optional(price_usd), in_stock: Type.Optional(in_stock) },
  {
    ...strict,
    minProperties: 1,
    'x-rule': 'must have category, price_usd, or in_stock',
    description: 'Fields that get the same value in every item',
  },
)

const PriceChange = Type.Object(
  {
    percent: Type.Optional(
      Type.Number({ minimum: -100, description: 'Changes each price by this percentage', examples: [10] }),
    ),
    add: Type.Optional(Type.Number({ description: 'Adds these US dollars to each price', examples: [-1] })),
    round: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        'x-rule': 'must be greater than 0',
        description: 'Rounds each new price to a multiple of this, half away from zero',
        examples: [0.01],
      }),
    ),
  },
  {
    ...strict,
    description: 'How prices change: either `percent` or `add`. The calculation is exact',
  },
)

export type PriceChange = Static<typeof PriceChange>
export type Change = 'delete' | { set: Static<typeof NewValues> } | { price: PriceChange }

const exampleRequest = {
  select: { filters: { category: ['Pet'], store_manager_id: 'me' } },
  change: { price: { percent: 10, round: 0.01 } },
}

export const BulkRequest = Type.Object(
  {
    select: Select,
    change: Type.Unsafe<Change>({
      type: ['object', 'string'],
      pattern: '^delete$',
      properties: { set: NewValues, price: PriceChange },
      ...exactlyOne,
      'x-rule': 'must be "delete", or have either set or price',
      description: '`"delete"`, or an object with `set` or `price`',
    }),
    expect: Type.Optional(
      Type.Object(
        {
          matched: Type.Integer({
            minimum: 0,
            maximum: Number.MAX_SAFE_INTEGER,
            description: 'The number of items that the selection must match, as a dry run reports it',
            examples: [3],
          }),
        },
        { ...strict, description: 'If it differs, nothing is changed (412)' },
      ),
    ),
  },
  {
    $id: 'BulkRequest',
    ...strict,
    description: 'Which items to change, and how. Unknown members are rejected',
    examples: [exampleRequest],
  },
)
export type BulkRequest = Static<typeof BulkRequest>

export const BulkQuery = Type.Object(
  {
    dry_run: Type.Optional(
      Type.Boolean({
        default: false,
        description: 'Returns what the request would change, and changes nothing',
        examples: [true],
        'x-filled-in': true,
      }),
    ),
  },
  strict,
)

const count = (description: string, example: number) => Type.Integer({ minimum: 0, description, examples: [example] })

export const BulkReport = Type.Object(
  {
    dry_run: Type.Boolean({ description: 'Whether this was a dry run, which changes nothing', examples: [false] }),
    matched: count('Number of items that the selection matches: the sum of the next three', 3),
    changed: count('Number of changed or deleted items', 2),
    unchanged: count('Number of items that already had these values', 1),
    not_owned: count('Number of items of other managers, which the caller may not change', 0),
    not_found: count('Number of selected IDs that no item has', 0),
    change: Type.Union([ref(ChangeSet), Type.Null()], {
      description: 'The recorded change set; null if nothing was changed',
    }),
    changes: Type.Array(ref(ItemChange), {
      maxItems: maxListedChanges,
      description: 'The first 100 changes, by the IDs of the items',
    }),
  },
  { $id: 'BulkReport', description: 'The result of a bulk change, or of its dry run' },
)
export type BulkReport = Static<typeof BulkReport>

export const exampleErrors = {
  failed: 1,
  errors: [{ item_id: exampleId, type: 'greater_than_equal', msg: 'would cost -0.01: must be at least 0' }],
  errors_omitted: 0,
}
