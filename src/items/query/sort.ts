import { type RawBuilder, sql } from 'kysely'

import { nameCollation } from '../../database/name-collation.ts'
import { validationFailed } from '../../problems.ts'
import type { Sort } from './schemas.ts'

/** The columns of an order, each of which an index has in this form. */
export interface Order {
  sort: Sort
  direction: 'asc' | 'desc'
  /** What is sorted by before the id; undefined if that is all. */
  key: RawBuilder<unknown> | undefined
}

const keys = {
  id: undefined,
  name: sql`items.name collate ${sql.raw(nameCollation)}`,
  price_usd: sql`items.price_usd`,
}

export function parseSort(sort: Sort): Order {
  const isDescending = sort.startsWith('-')
  const key = keys[(isDescending ? sort.slice(1) : sort) as keyof typeof keys]
  return { sort, direction: isDescending ? 'desc' : 'asc', key }
}

/** `order by` as SQL. */
export function orderBy({ key, direction }: Order): RawBuilder<unknown> {
  const way = sql.raw(direction)
  return key ? sql`${key} ${way}, items.id ${way}` : sql`items.id ${way}`
}

/** Where a page ended: the id of its last item, and the text of what that is sorted by. */
export interface Cursor {
  id: string
  key: string
}

/** The condition of coming after `position`. One comparison of rows is one range of an index. */
export function afterCursor({ sort, key, direction }: Order, position: Cursor): RawBuilder<boolean> {
  const operator = sql.raw(direction === 'asc' ? '>' : '<')
  if (!key) return sql`items.id ${operator} ${position.id}::uuid`
  const type = sql.raw(sort.endsWith('name') ? 'text' : 'numeric')
  return sql`(${key}, items.id) ${operator} (${position.key}::${type}, ${position.id}::uuid)`
}

/** The position as text for a client to send back. */
export function encodeCursor(sort: Sort, { id, key }: Cursor): string {
  return Buffer.from(JSON.stringify(key === '' ? [sort, id] : [sort, id, key])).toString('base64url')
}

/** What a cursor says. Whatever text it is, nothing but what `toCursor` may have written gets through. @throws Problem invalid_request */
export function decodeCursor(sort: Sort, cursor: string): Cursor {
  const value = parse(Buffer.from(cursor, 'base64url').toString())
  const [of, id, key = ''] = Array.isArray(value) ? (value as unknown[]) : []
  const isRight = of === sort && typeof id === 'string' && uuid.test(id) && typeof key === 'string'
  if (isRight && keyValidators[sort.replace('-', '') as keyof typeof keyValidators](key)) return { id, key }
  const msg = `must be the X-Next-After of a page with sort=${sort}`
  throw validationFailed([{ type: 'value_error', loc: ['query', 'after'], msg }])
}

const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/

const keyValidators = {
  id: (key: string) => key === '',
  name: (key: string) => key.length > 0 && key.isWellFormed() && !key.includes('\0'),
  price_usd: (key: string) => /^\d{1,1000}(?:\.\d{1,1100})?$/.test(key),
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}
