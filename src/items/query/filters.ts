import { type RawBuilder, sql } from 'kysely'

import { categories } from '../../database/constraints.ts'
import { fold, foldColumn } from '../../database/name-collation.ts'
import { type ValidationError, validationFailed } from '../../problems.ts'
import type { Filters } from './schemas.ts'

const maxSearchWords = 10

/** @param at where the filters are in the request @throws Problem invalid_request */
export function whereFilters(filters: Filters, me: string, at = ['query']): RawBuilder<boolean> {
  const { category, in_stock: inStock, store_manager_id: owner, min_price: min, max_price: max, q = '' } = filters
  const words = q.split(/\s+/u).filter((word) => word !== '')
  validateFilters({ min, max, words, at })
  const conditions = [
    (category ?? inStock) !== undefined && isOneOf([...new Set(category ?? categories)]),
    inStock !== undefined && sql<boolean>`items.in_stock = ${inStock}::boolean`,
    owner !== undefined && sql<boolean>`items.store_manager_id = ${owner === 'me' ? me : owner}::uuid`,
    min !== undefined && sql<boolean>`items.price_usd >= ${min}::numeric`,
    max !== undefined && sql<boolean>`items.price_usd <= ${max}::numeric`,
    ...words.map(nameContains),
  ].filter((condition) => condition !== false && condition !== undefined)
  return conditions.length === 0 ? sql`true` : sql.join(conditions, sql` and `)
}

// Without a filter by category all are named, because the index begins with the category and PostgreSQL before 18 would not
// use it otherwise. For an equality it knows that the rest of the index is sorted.
function isOneOf(names: string[]): RawBuilder<boolean> {
  const [only] = names
  return names.length === 1 ? sql`items.category = ${only}::text` : sql`items.category = any(${names}::text[])`
}

const foldedName = sql.raw(foldColumn('items.name'))
const [beforeText = '', afterText = ''] = fold('TEXT').split('TEXT')

/** PostgreSQL folds it like the names. Characters with a meaning in a pattern are not changed by folding. */
function nameContains(word: string): RawBuilder<boolean> {
  const pattern = `%${word.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`
  return sql`${foldedName} like ${sql.raw(beforeText)}${pattern}::text${sql.raw(afterText)}`
}

function validateFilters({
  min,
  max,
  words,
  at,
}: {
  min?: number | undefined
  max?: number | undefined
  words: string[]
  at: string[]
}): void {
  const parts: ValidationError[] = []
  if (min !== undefined && max !== undefined && min > max) {
    parts.push({ type: 'less_than_equal', loc: [...at, 'min_price'], msg: 'must be at most max_price' })
  }
  if (words.length > maxSearchWords) {
    parts.push({ type: 'too_long', loc: [...at, 'q'], msg: `must have at most ${maxSearchWords} words` })
  }
  if (parts.length > 0) throw validationFailed(parts)
}
