import type { Readable } from 'node:stream'

import { type Static, Type } from 'typebox'

import { exampleId, importCounts, ImportError, ref, Uuid } from '../../openapi/schemas.ts'
import { ItemCreate } from '../schemas.ts'

export const maxListedErrors = 1_000
export const maxListedChanges = 10

export const ImportQuery = Type.Object({
  mode: Type.Optional(
    Type.Unsafe<'create' | 'upsert'>({
      type: 'string',
      enum: ['create', 'upsert'],
      default: 'create',
      description:
        '`create`: every row is a new item. `upsert`: a row with the `id` of an item updates it, if its `version` is empty ' +
        'or current; other rows are new items',
      examples: ['create'],
    }),
  ),
  on_error: Type.Optional(
    Type.Unsafe<'stop' | 'skip'>({
      type: 'string',
      enum: ['stop', 'skip'],
      default: 'stop',
      description: '`stop`: if any row is invalid, nothing is written. `skip`: invalid rows are skipped',
      examples: ['stop'],
    }),
  ),
  column: Type.Optional(
    Type.Array(
      Type.String({
        pattern: '^(?:id|name|category|price_usd|in_stock|version)=.',
        'x-rule': 'must be a column and its name in the file, as in price_usd=Preis',
      }),
      {
        maxItems: 6,
        description: 'The name of a column in the CSV file, as in `price_usd=Preis`. Repeat it for further columns',
        examples: [['price_usd=price']],
      },
    ),
  ),
  dry_run: Type.Optional(
    Type.Boolean({
      default: false,
      description: 'Returns what the import would write, and writes nothing',
      examples: [true],
      'x-filled-in': true,
    }),
  ),
})
export type ImportQuery = Static<typeof ImportQuery>

const csv = [
  'name,category,price,in_stock',
  '"Green tea, 100 bags",Grocery,4.99,true',
  'Notebook,Stationery,2.5,false',
  '',
]
const ndjson = [
  '{"name":"Green tea, 100 bags","category":"Grocery","price_usd":4.99,"in_stock":true}',
  '{"id":"019a6f2b-7c1e-7b3a-9d5e-2f1c8e4b6a70","name":"Notebook","category":"Stationery","price_usd":2.5,"in_stock":false}',
  '',
]

const file = (description: string, lines: string[], lineEnd: string) => ({
  schema: Type.Unsafe<Readable>({ type: 'string', 'x-streamed': true, description, examples: [lines.join(lineEnd)] }),
})

/** Read as it arrives, so no schema validates it. */
export const importBody = {
  content: {
    'text/csv': file(
      'CSV (RFC 4180). The first line names the columns `name`, `category`, `price_usd` (or `price`), `in_stock` and, optionally, ' +
        '`id` and `version`, in any order and case; others are ignored. The delimiter is a comma, semicolon, or tab. Also ' +
        'accepted as `text/tab-separated-values` and `application/vnd.ms-excel`',
      csv,
      '\r\n',
    ),
    'application/x-ndjson': file(
      'One JSON object per line with the fields of ItemCreate, and optionally `id` and `version`; other fields are ' +
        'ignored. Also accepted as `application/ndjson` and `application/jsonl`',
      ndjson,
      '\n',
    ),
  },
}

const before: ItemCreate = { name: 'Notebook', category: 'Stationery', price_usd: 2.5, in_stock: false }

export const ImportChange = Type.Object(
  {
    line: Type.Integer({ minimum: 1, description: 'The line of the file where the row begins', examples: [3] }),
    id: Type.String({ ...Uuid, description: 'The item', examples: [exampleId] }),
    before: ref(ItemCreate),
    after: ref(ItemCreate),
  },
  {
    $id: 'ImportChange',
    description: 'A row that would update an item: before and after',
    examples: [{ line: 3, id: exampleId, before, after: { ...before, price_usd: 2.75 } }],
  },
)

export const ImportReport = Type.Object(
  {
    ...importCounts,
    same_name: Type.Optional(
      Type.Integer({
        minimum: 0,
        description: 'In a dry run, the number of new items with the name of an existing item of the caller',
        examples: [0],
      }),
    ),
    changes: Type.Optional(
      Type.Array(ref(ImportChange), {
        maxItems: maxListedChanges,
        description: 'In a dry run with `mode=upsert`, the first rows that would update an item',
      }),
    ),
    errors: Type.Array(ref(ImportError), { description: 'The first 1,000 errors of invalid rows' }),
  },
  { $id: 'ImportReport', description: 'The result of an import, or of its dry run' },
)
export type ImportReport = Static<typeof ImportReport>

export const exampleReport: ImportReport = {
  mode: 'upsert',
  dry_run: false,
  created: 2,
  updated: 1,
  unchanged: 3,
  failed: 1,
  errors: [{ line: 17, column: 'price_usd', type: 'greater_than_equal', msg: 'must be at least 0' }],
  errors_omitted: 0,
}

export const zeroCounts = { created: 0, updated: 0, unchanged: 0 }
