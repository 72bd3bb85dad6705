import { type Static, type TOptional, type TSchema, Type } from 'typebox'

import { maxNameLength } from '../database/constraints.ts'
import { problems } from '../problems.ts'

export const exampleId = '019a6f2b-7c1e-7b3a-9d5e-2f1c8e4b6a70'

/** Text that PostgreSQL can store: no NUL, no lone surrogate. */
export const textPattern = '^[^\\u0000\\p{Cs}]*$'

const strongOrWeakTag = '(?:W/)?"[!#-~\\x80-\\xff]*"'
export const tagsPattern = `[ \\t,]*${strongOrWeakTag}(?:[ \\t]*,[ \\t,]*${strongOrWeakTag})*[ \\t,]*`
export const ifMatchPattern = `^(?:\\*|${tagsPattern})$`

export const Uuid = Type.String({ format: 'uuid' })

// Characters without a glyph: spaces, controls, joiners, fillers, and the empty Braille pattern.
const invisible = '\\u0001-\\u001f\\u007f-\\u009f\\p{Cf}\\p{Z}\\p{Default_Ignorable_Code_Point}\\u2800'

/** Requires a visible character, or no character at all. The first one decides, so matching is linear. */
export const namePattern = `^(?:[${invisible}]*[^${invisible}\\u0000\\p{Cs}][^\\u0000\\p{Cs}]*)?$`

export const Name = Type.String({
  minLength: 1,
  maxLength: maxNameLength,
  pattern: namePattern,
  'x-rule': 'must contain a visible character, and neither NUL nor a lone surrogate',
})

// The IETF draft requires quotes, but most clients omit them. Lowercase, because Node lowercases header names.
export const IdempotencyKey = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      pattern: '^(?:[\\w.~:+/=-]{1,255}|"(?:[ !#-\\[\\]-~]|\\\\["\\\\]){1,255}")$',
      'x-rule': 'must be 1 to 255 characters in quotes; unquoted, only letters, digits, and -._~:+/=',
      description:
        'Makes retries safe: for 24 hours the same key with the same request returns the original response. Use a random UUID',
    }),
  ),
})

export const Message = Type.Object(
  { message: Type.String({ examples: ['Logged out successfully'] }) },
  { $id: 'Message', description: 'The result' },
)

export const ProblemCode = Type.Unsafe<keyof typeof problems>({
  $id: 'ProblemCode',
  type: 'string',
  enum: Object.keys(problems),
  description: 'Machine-readable error code; a closed list',
})

export const InvalidPart = Type.Object(
  {
    type: Type.String({ description: 'The kind of error, in the terms of Pydantic', examples: ['greater_than_equal'] }),
    loc: Type.Array(Type.Union([Type.String(), Type.Integer()]), {
      description: 'The location: `body`, `query`, `header`, or `path`, then the path to the value',
      examples: [['body', 'price_usd']],
    }),
    msg: Type.String({ description: 'Human-readable message', examples: ['must be at least 0'] }),
  },
  { $id: 'InvalidPart', description: 'A validation error' },
)

export const ImportError = Type.Object(
  {
    line: Type.Integer({
      minimum: 1,
      description: 'The line of the file on which the row begins, counted from 1',
      examples: [17],
    }),
    column: Type.Union([Type.String(), Type.Null()], {
      description: 'The column, or null for the whole row',
      examples: ['price_usd'],
    }),
    type: Type.String({ description: 'The kind of error, in the terms of Pydantic', examples: ['greater_than_equal'] }),
    msg: Type.String({ description: 'Human-readable message', examples: ['must be at least 0'] }),
  },
  { $id: 'ImportError', description: 'An error in a row of an imported file' },
)

export const BulkError = Type.Object(
  {
    item_id: Type.String({ ...Uuid, description: 'The item', examples: [exampleId] }),
    type: Type.String({ description: 'The kind of error, in the terms of Pydantic', examples: ['greater_than_equal'] }),
    msg: Type.String({
      description: 'Human-readable message',
      examples: ['would cost -0.01: must be at least 0'],
    }),
  },
  { $id: 'BulkError', description: 'An item that cannot be changed' },
)

const counted = (what: string, example: number) =>
  Type.Integer({ minimum: 0, description: `Number of ${what}`, examples: [example] })

export const importCounts = {
  mode: Type.Unsafe<'create' | 'upsert'>({
    type: 'string',
    enum: ['create', 'upsert'],
    description: 'The requested mode',
    examples: ['upsert'],
  }),
  dry_run: Type.Boolean({ description: 'Whether this was a dry run, which writes nothing', examples: [false] }),
  created: counted('new items', 2),
  updated: counted('changed items', 1),
  unchanged: counted('items that already had these values', 3),
  failed: counted('invalid rows, or of items that cannot be changed', 1),
  errors_omitted: counted('errors that are not listed', 0),
}

const importOutcome = Object.fromEntries(
  Object.entries(importCounts).map(([name, schema]) => [name, Type.Optional(schema)]),
) as { [Name in keyof typeof importCounts]: TOptional<(typeof importCounts)[Name]> }

export const ProblemDetails = Type.Object(
  {
    type: Type.String({
      format: 'uri-reference',
      description: 'The page that explains the code',
      examples: ['/problems/not_found'],
    }),
    title: Type.String({ description: 'The code in words', examples: ['Not found'] }),
    status: Type.Integer({ description: 'The HTTP status', examples: [404] }),
    detail: Type.String({ description: 'Explanation of this occurrence', examples: ['No route has this path.'] }),
    code: ref(ProblemCode),
    request_id: Type.String({ description: 'Also in the log of the service', examples: [exampleId] }),
    errors: Type.Optional(
      Type.Array(Type.Union([ref(InvalidPart), ref(ImportError), ref(BulkError)]), {
        description:
          'All errors if the code is `invalid_request` (only the first in the body of a bulk change), the first 1,000 if it is ' +
          '`import_failed` or `bulk_failed`',
      }),
    ),
    ...importOutcome,
    matched: Type.Optional(
      Type.Integer({ description: 'The number of items that a bulk change matches, if it fails', examples: [3] }),
    ),
    current: Type.Optional(
      Type.Unsafe({
        $ref: 'Item#',
        description: 'The latest version of the item, if the code is `precondition_failed`',
      }),
    ),
    items: Type.Optional(
      Type.Integer({ description: 'The number of items that the manager owns, if the code is `manager_owns_items`' }),
    ),
    conflicting: Type.Optional(
      Type.Integer({ description: 'The number of items that cannot be restored, if the code is `undo_conflict`' }),
    ),
    conflicts: Type.Optional(
      Type.Array(Type.Unsafe({ $ref: 'UndoConflict#' }), {
        description: 'The first 1,000 of these items, if the code is `undo_conflict`',
      }),
    ),
    error: Type.Optional(
      Type.String({ description: 'The OAuth2 error code, if a login is refused', examples: ['invalid_grant'] }),
    ),
    error_description: Type.Optional(
      Type.String({
        description: 'The same as `detail`, for OAuth2 clients, if a login is refused',
        examples: ['The email address or the password is wrong.'],
      }),
    ),
  },
  { $id: 'Problem', description: 'An error, as RFC 9457 problem details' },
)

/** For queries in which ignoring an unknown parameter would return, or change, too much. */
export const strict = { additionalProperties: false }

export function ref<T extends TSchema & { $id?: string }>(schema: T) {
  return Type.Unsafe<Static<T>>({ $ref: `${schema.$id}#` })
}

export function nullable<T extends TSchema & { type?: string; enum?: unknown[] }>(schema: T) {
  const type = [schema.type, 'null']
  return Type.Unsafe<Static<T> | null>({ ...schema, type, ...(schema.enum && { enum: [...schema.enum, null] }) })
}
