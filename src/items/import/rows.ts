import { type TSchema, Type } from 'typebox'

import { nullable, Uuid } from '../../schemas.ts'
import { buildCheck, type InvalidPart } from '../../validation.ts'
import { Category, ItemCreate } from '../schemas.ts'
import type { RowError } from './report.ts'

/** Characters of a row, more than which nobody needs for an item. */
export const longestRow = 64 * 1024

/** A row as it was read. */
export interface Row {
  /** The line in which it begins, the first being 1. */
  line: number
  /** What ought to fit ItemCreate, with an id or without. */
  fields: unknown
  /** What is wrong, if that is known already. */
  error?: { type: string; msg: string }
}

type Fields = ItemCreate & { id?: string | null }

/** Where a check finds a row good: what it holds. */
export type Checked = { item: Fields } | { errors: RowError[] }

const ImportRow: TSchema = Type.Object({ id: Type.Optional(nullable(Uuid)), ...ItemCreate.properties })

export type RowCheck = (row: Row) => Checked

/** Makes a check of rows by the rules of ItemCreate. To make it takes as long as to check thousands of rows. */
export function rowCheck(): RowCheck {
  const check = buildCheck(ImportRow, [Category])
  return ({ line, fields, error }) => {
    if (error) return { errors: [{ line, column: null, ...error }] }
    const parts = check(fields)
    if (parts.length === 0) return { item: fields as Fields }
    return { errors: parts.map((part) => toError(part, line, fields)) }
  }
}

function toError({ loc: [, column], type, msg }: InvalidPart, line: number, fields: unknown): RowError {
  const price = column === 'price_usd' && (fields as { price_usd?: unknown }).price_usd
  const hint =
    typeof price === 'string' && price.includes(',') ? ': write it with a point and no comma, as in 4.99' : ''
  return { line, column: column === undefined ? null : String(column), type, msg: msg + hint }
}

/** A row in COPY's text format, where its id may be empty. A price of -0 is stored as 0. */
export function copyLine(id: string, line: number, { name, category, price_usd, in_stock }: ItemCreate): string {
  const text = special.test(name) ? name.replaceAll(allSpecial, escape) : name
  return `${id}\t${line}\t${text}\t${category}\t${price_usd + 0}\t${in_stock}\n`
}

const special = /[\\\n\r\t]/
const allSpecial = /[\\\n\r\t]/g
const escapes: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

function escape(character: string): string {
  return escapes[character] ?? character
}
