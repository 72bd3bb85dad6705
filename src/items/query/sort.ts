import { type RawBuilder, sql } from 'kysely'

import { nameCollation } from '../../database/name-collation.ts'
import { validationFailed } from '../../problems.ts'
import type { Sort } from './schemas.ts'

/** An index has these columns in this form. */
export interface Order {
  sort: Sort
  direction: 'asc' | 'desc'
  key: RawBuilder<unknown> | undefined
}

const keys = {
  id: undefined,
  name: sql`items.name collate ${sql.raw(nameCollation)}`,
  price_usd: sql`items.price_usd`,
  updated_at: sql`items.updated_at`,
}

const types = { id: 'uuid', name: 'text', price_usd: 'numeric', updated_at: 'timestamptz' }

export function parseSort(sort: Sort): Order {
  return { sort, direction: sort.startsWith('-') ? 'desc' : 'asc', key: keys[columnOf(sort)] }
}

/** Exact text that PostgreSQL reads the same whatever the settings of the session; empty for the ID alone. */
export function keyText({ sort, key }: Order): RawBuilder<string> {
  if (!key) return sql`''`
  return columnOf(sort) === 'updated_at'
    ? sql`to_char(${key} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
    : sql`${key}::text`
}

function columnOf(sort: Sort): keyof typeof keys {
  return sort.replace('-', '') as keyof typeof keys
}

export function orderBy({ key, direction }: Order): RawBuilder<unknown> {
  const way = sql.raw(direction)
  return key ? sql`${key} ${way}, items.id ${way}` : sql`items.id ${way}`
}

export interface Cursor {
  id: string
  key: string
}

/** One comparison of rows is one range of an index. */
export function afterCursor({ sort, key, direction }: Order, position: Cursor): RawBuilder<boolean> {
  const operator = sql.raw(direction === 'asc' ? '>' : '<')
  if (!key) return sql`items.id ${operator} ${position.id}::uuid`
  const type = sql.raw(types[columnOf(sort)])
  return sql`(${key}, items.id) ${operator} (${position.key}::${type}, ${position.id}::uuid)`
}

export function encodeCursor(sort: Sort, { id, key }: Cursor): string {
  return Buffer.from(JSON.stringify(key === '' ? [sort, id] : [sort, id, key])).toString('base64url')
}

/** Accepts only what `encodeCursor` can write. @throws Problem invalid_request */
export function decodeCursor(sort: Sort, cursor: string): Cursor {
  const value = parse(Buffer.from(cursor, 'base64url').toString())
  const [of, id, key = ''] = Array.isArray(value) ? (value as unknown[]) : []
  const isRight = of === sort && typeof id === 'string' && uuid.test(id) && typeof key === 'string'
  if (isRight && keyValidators[columnOf(sort)](key)) return { id, key }
  const msg = `must be the X-Next-After of a page with sort=${sort}`
  throw validationFailed([{ type: 'value_error', loc: ['query', 'after'], msg }])
}

const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/

const microseconds = /^[1-9]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/

const keyValidators = {
  id: (key: string) => key === '',
  name: (key: string) => key.length > 0 && key.isWellFormed() && !key.includes('\0'),
  price_usd: (key: string) => /^\d{1,1000}(?:\.\d{1,1100})?$/.test(key),
  updated_at: (key: string) => microseconds.test(key) && isDate(key.slice(0, 19)),
}

/** JavaScript reads February 30 as March 2, which PostgreSQL refuses. */
function isDate(seconds: string): boolean {
  const time = Date.parse(`${seconds}Z`)
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(seconds)
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}
