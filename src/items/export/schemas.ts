import { type Static, Type } from 'typebox'

import { ref, strict } from '../../openapi/schemas.ts'
import { Selection } from '../query/schemas.ts'
import { exampleItem, Items } from '../schemas.ts'

export const formats = {
  csv: 'text/csv; charset=utf-8; header=present',
  ndjson: 'application/x-ndjson',
  json: 'application/json; charset=utf-8',
} as const
export type Format = keyof typeof formats

export const ExportQuery = Type.Object(
  {
    format: Type.Optional(
      Type.Unsafe<Format>({
        type: 'string',
        enum: Object.keys(formats),
        description:
          '`csv` (the default): RFC 4180 with a header line; `ndjson`: one item per line; `json`: as the list of all items',
        examples: ['csv'],
      }),
    ),
    ...Selection.properties,
    safe: Type.Optional(
      Type.Unsafe<'spreadsheet'>({
        type: 'string',
        enum: ['spreadsheet'],
        description:
          'Makes `csv` safe to open in a spreadsheet, also in one that splits at semicolons or tabs: an apostrophe precedes each ' +
          'part of a name that would run as a formula, that is, begins with `=`, `+`, `-`, or `@` at the start of the name or ' +
          'after a semicolon, tab, or line break. All text is quoted, and a byte order mark declares UTF-8. Escaped names ' +
          'differ from the stored ones; an import does not unescape them',
        examples: ['spreadsheet'],
      }),
    ),
  },
  strict,
)
export type ExportQuery = Static<typeof ExportQuery>

const { id, name, category, price_usd: price, in_stock: inStock, store_manager_id: owner } = exampleItem
const line = JSON.stringify(exampleItem)

export const exportResponse = {
  description: 'The items, as a file',
  headers: {
    'Content-Disposition': {
      type: 'string',
      description: 'The name of the file, with the date in UTC',
      examples: ['attachment; filename="items-2026-11-25.csv"'],
    },
    'Content-Encoding': { type: 'string', enum: ['gzip'], description: 'Present if `Accept-Encoding` allows it' },
    Vary: {
      type: 'string',
      description: 'Names the headers that the encoding depends on',
      examples: ['Accept-Encoding'],
    },
  },
  content: {
    'text/csv': {
      schema: Type.String({
        description: 'Fields are quoted only where necessary, lines end with CR LF, numbers are exact',
        examples: [
          `id,name,category,price_usd,in_stock,store_manager_id\r\n${id},"${name}",${category},${price},${inStock},${owner}\r\n`,
        ],
      }),
    },
    'application/x-ndjson': { schema: Type.String({ description: 'One Item per line', examples: [`${line}\n`] }) },
    'application/json': { schema: ref(Items) },
  },
}
