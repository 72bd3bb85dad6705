import { type Static, Type } from 'typebox'

import { ref, strict } from '../../openapi/schemas.ts'
import { Selection } from '../query/schemas.ts'
import { exampleItem, Items } from '../schemas.ts'

/** Media types by format; the first is what is used if nothing is said. */
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
          '`csv`, if nothing is said: RFC 4180, a line of column names first; `ndjson`: an item a line; `json`: as the list of all items',
        examples: ['csv'],
      }),
    ),
    ...Selection.properties,
    safe: Type.Optional(
      Type.Unsafe<'spreadsheet'>({
        type: 'string',
        enum: ['spreadsheet'],
        description:
          'Of `csv`: safe to open in a spreadsheet, also in one that splits at semicolons or tabs. An apostrophe is put before each ' +
          'part of a name that would be run as a formula: one that begins with `=`, `+`, `-` or `@`, at the start of the name or ' +
          'after a semicolon, tab or line break. All text is in quotes, and a byte order mark says that it is UTF-8. What is so ' +
          'marked is not what the item is called, and importing it does not take the mark away',
        examples: ['spreadsheet'],
      }),
    ),
  },
  strict,
)
export type ExportQuery = Static<typeof ExportQuery>

const { id, name, category, price_usd: price, in_stock: inStock, store_manager_id: owner } = exampleItem
const line = JSON.stringify(exampleItem)

/** The answer, in each of its formats. */
export const exportAnswer = {
  description: 'The items, as a file',
  headers: {
    'Content-Disposition': {
      type: 'string',
      description: 'The name of the file, with the date in UTC',
      examples: ['attachment; filename="items-2026-11-25.csv"'],
    },
    'Content-Encoding': { type: 'string', enum: ['gzip'], description: 'There if `Accept-Encoding` allows for it' },
    Vary: { type: 'string', description: 'That it may be compressed', examples: ['Accept-Encoding'] },
  },
  content: {
    'text/csv': {
      schema: Type.String({
        description: 'Fields are in quotes only where they have to be, lines end with CR LF, numbers are exact',
        examples: [
          `id,name,category,price_usd,in_stock,store_manager_id\r\n${id},"${name}",${category},${price},${inStock},${owner}\r\n`,
        ],
      }),
    },
    'application/x-ndjson': { schema: Type.String({ description: 'An Item a line', examples: [`${line}\n`] }) },
    'application/json': { schema: ref(Items) },
  },
}
