import { type TSchema, Type } from 'typebox'

import { buildCheck } from '../../http/validation.ts'
import { nullable, Uuid } from '../../openapi/schemas.ts'
import type { ValidationError } from '../../problems.ts'
import { Category, ItemCreate } from '../schemas.ts'
import { hintOf } from './hints.ts'
import type { RowError } from './report.ts'

export const longestRow = 64 * 1024

export interface Row {
  line: number
  fields: unknown
  error?: { type: string; msg: string }
  /** Whether unreadable fields are text of the file rather than values of JSON. */
  isText?: boolean
  /** Whether its price is thousands if the file has decimal commas, and whether the file has shown some. */
  isDoubtful?: boolean
  hasCommas?: boolean
}

type Fields = ItemCreate & { id?: string | null; version?: string | number | null }

interface Good {
  item: Fields
  version: string | undefined
}

/** Errors are described only if they are listed. */
export type Checked = Good | { count: number; describe: () => RowError[] }

const Version = Type.Unsafe<string | number | null>({
  type: ['integer', 'string', 'null'],
  minimum: 1,
  maximum: Number.MAX_SAFE_INTEGER,
  pattern: '^"?[1-9]\\d{0,17}(?:-[\\w-]{43})?"?$',
  'x-rule': 'must be a version such as 3, or the ETag of an item',
})

const rowOf = { id: Type.Optional(nullable(Uuid)), ...ItemCreate.properties }
const NewRow: TSchema = Type.Object(rowOf)
const UpsertedRow: TSchema = Type.Object({ ...rowOf, version: Type.Optional(Version) })

export type RowCheck = (row: Row) => Checked

/** Making a check takes as long as checking thousands of rows. Rows of mode create have no version. */
export function rowCheck(mode: 'create' | 'upsert'): RowCheck {
  const check = buildCheck(mode === 'create' ? NewRow : UpsertedRow, [Category])
  return (row) => {
    const { line, error } = row
    if (error) return { count: 1, describe: () => [{ line, column: null, ...error }] }
    const wrong = check(row.fields)
    if (wrong) return { count: wrong.count, describe: () => wrong.describe().map((part) => toError(part, row)) }
    const item = row.fields as Fields
    const version = mode === 'create' ? undefined : numberOf(item.version)
    if (version === undefined || typeof item.id === 'string') return { item, version }
    return { count: 1, describe: () => [{ line, column: 'version', type: 'version_without_id', msg: withoutId }] }
  }
}

function numberOf(version: Fields['version']): string | undefined {
  return /\d+/.exec(String(version ?? ''))?.[0]
}

const withoutId = 'is set, but the row has no id: add the id, or leave the version empty'

function toError({ loc: [, column], type, msg }: ValidationError, { line, fields, isText }: Row): RowError {
  if (column === undefined) return { line, column: null, type, msg }
  const value = (fields as Record<string, unknown>)[column]
  const hint = isText && typeof value === 'string' ? hintOf(String(column), value) : undefined
  return { line, column: String(column), type, msg: hint ?? msg }
}

/** COPY's text format, with an empty ID for a new one. A price of -0 is stored as 0. */
export function copyLine({ item, version = '\\N' }: Good, { line, isDoubtful = false }: Row): string {
  const { id, name, category, price_usd, in_stock } = item
  const text = special.test(name) ? name.replaceAll(allSpecial, escape) : name
  return `${id ?? ''}\t${line}\t${text}\t${category}\t${price_usd + 0}\t${in_stock}\t${version}\t${isDoubtful}\n`
}

const special = /[\\\n\r\t]/
const allSpecial = /[\\\n\r\t]/g
const escapes: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

function escape(character: string): string {
  return escapes[character] ?? character
}
