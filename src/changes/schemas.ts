import { type Static, type TSchema, Type } from 'typebox'

import { exampleId, Name, nullable, ref, strict, Uuid } from '../openapi/schemas.ts'

const maxLimit = 1000
export const defaultLimit = 100
export const kinds = ['create', 'update', 'delete', 'import', 'bulk', 'undo', 'transfer'] as const

const exampleManager = { id: '019a6f1d-52c4-7d09-8f3e-6b0a94c7e215', name: 'Ada Lovelace' }
export const exampleSetId = '019a6f2c-11aa-7000-9c1d-4e7b0f6a2d35'
const count = (what: string, example: number) =>
  Type.Integer({ minimum: 0, description: `Number of items ${what}`, examples: [example] })
const id = (description: string, example: string) => Type.String({ ...Uuid, description, examples: [example] })

const setFields = {
  id: id('Later sets have greater IDs, if the clocks of all processes agree', exampleSetId),
  at: Type.String({ description: 'When it was made, in UTC', examples: ['2025-11-10T15:37:32.458Z'] }),
  kind: Type.Unsafe<string>({
    type: 'string',
    description:
      'The request: `create`, `update`, `delete`, `import`, `bulk`, `undo`, or the `transfer` of an operator. More may follow',
    examples: ['update'],
  }),
  source: Type.Unsafe<string>({
    type: 'string',
    description: '`api`, or `operator` for a command on the server. More may follow',
    examples: ['api'],
  }),
  store_manager: Type.Union(
    [
      Type.Object({
        id: id('Their ID, also if they were deleted', exampleManager.id),
        name: Type.String({ ...Name, examples: [exampleManager.name] }),
      }),
      Type.Null(),
    ],
    { description: 'Who made it, with their name at that time; null for an operator', examples: [exampleManager] },
  ),
  request_id: nullable(Type.String({ description: 'The `X-Request-Id` of the request', examples: [exampleId] })),
  created: count('created', 0),
  updated: count('updated', 1),
  deleted: count('deleted', 0),
  undoes: Type.Optional(id('Of an undo: the set whose changes it reverts', exampleSetId)),
  undone_by: Type.Optional(id('Of a set that was undone: the undo', exampleSetId)),
}

export const ChangeSet = Type.Object(setFields, { $id: 'ChangeSet', description: 'What one request changed' })
export type ChangeSet = Static<typeof ChangeSet>

const pair = <T extends TSchema & { type?: string }>(schema: T, examples: unknown[]) =>
  Type.Optional(Type.Array(nullable(schema), { minItems: 2, maxItems: 2, examples: [examples] }))

export const changeFields = {
  item_id: id('The item, which may have been deleted since', exampleId),
  name: Type.String({
    ...Name,
    description: 'Its name after the change, or before the deletion',
    examples: ['Green tea'],
  }),
  kind: Type.Unsafe<string>({ type: 'string', description: '`create`, `update`, or `delete`', examples: ['update'] }),
  version: Type.Integer({
    minimum: 1,
    description: 'Its version after the change. A deletion has one more than the item had',
    examples: [2],
  }),
  fields: Type.Object(
    {
      name: pair(Type.String(), ['Tea', 'Green tea']),
      category: pair(Type.String(), ['Pet', 'Grocery']),
      price_usd: pair(Type.Number(), [4.49, 4.99]),
      in_stock: pair(Type.Boolean(), [true, false]),
      store_manager_id: pair(Type.String(), [null, exampleManager.id]),
    },
    { description: 'The values before and after of each field that changed; null where the item did not exist' },
  ),
}

export const ItemChange = Type.Object(changeFields, { $id: 'ItemChange', description: 'A change of one item' })
export type ItemChange = Static<typeof ItemChange>

export const ItemVersion = Type.Object(
  { ...changeFields, change: ref(ChangeSet) },
  { $id: 'ItemVersion', description: 'A change of one item, with the set that it belongs to' },
)
export type ItemVersion = Static<typeof ItemVersion>

export const ChangeSets = Type.Array(ref(ChangeSet), { $id: 'ChangeSets', description: 'Change sets, newest first' })
export const ItemChanges = Type.Array(ref(ItemChange), {
  $id: 'ItemChanges',
  description: 'The changes of a set, by the IDs of the items',
})
export const ItemVersions = Type.Array(ref(ItemVersion), {
  $id: 'ItemVersions',
  description: 'The changes of an item, newest first',
})

export const page = {
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: maxLimit,
      description: `Maximum number of entries per page; ${defaultLimit} by default`,
      examples: [50],
    }),
  ),
  after: Type.Optional(
    Type.String({
      ...Uuid,
      description: 'The `X-Next-After` of the previous page, with the same filters',
      examples: [exampleSetId],
    }),
  ),
}
export const PageQuery = Type.Object(page, strict)
export type PageQuery = Static<typeof PageQuery>

const time = (description: string, example: string) =>
  Type.Optional(Type.String({ format: 'date-time', description, examples: [example] }))

export const changeFilters = {
  manager: Type.Optional(
    Type.String({ ...Uuid, description: 'Changes by this manager', examples: [exampleManager.id] }),
  ),
  kind: Type.Optional(
    Type.Unsafe<string>({
      type: 'string',
      enum: [...kinds],
      description: 'Changes of this kind',
      examples: ['update'],
    }),
  ),
  item: Type.Optional(Type.String({ ...Uuid, description: 'Changes of this item', examples: [exampleId] })),
}

export const ChangesQuery = Type.Object(
  {
    ...page,
    ...changeFilters,
    since: time('Sets made at this time or later', '2025-11-10T00:00:00Z'),
    until: time('Sets made before this time', '2025-11-11T00:00:00Z'),
  },
  strict,
)
export type ChangesQuery = Static<typeof ChangesQuery>

export const ChangeParams = Type.Object({ id: id('The ID of the change set', exampleSetId) })

export const pageHeaders = {
  Link: {
    type: 'string',
    description: 'The `next` page, unless this is the last, and the `first` (RFC 8288). Relative',
    examples: ['</changes?limit=100>; rel="first"'],
  },
  'X-Next-After': { type: 'string', description: 'Except on the last page: the `after` of the next page' },
}
