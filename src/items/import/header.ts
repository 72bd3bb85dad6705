import { type RowError, UnreadableFile } from './report.ts'

const known = ['id', 'name', 'category', 'price_usd', 'in_stock'] as const
type Column = (typeof known)[number]

/** Where each column is, -1 if there is none, and how many there are with those that are ignored. */
export interface Columns {
  at: Record<Column, number>
  count: number
}

/**
 * Finds the columns by their names in the header, in any order and case.
 *
 * @throws UnreadableFile naming columns that are missing, or there twice
 */
export function columnsAt(header: string[], line: number): Columns {
  const names = header.map((name) => name.trim().toLowerCase())
  const missing = known.filter((name) => name !== 'id' && !names.includes(name))
  const seen = new Set<string>()
  const twice = new Set(names.filter((name) => name !== '' && seen.size === seen.add(name).size))
  const error = (column: string, type: string, msg: string): RowError => ({ line, column, type, msg })
  const errors = [
    ...missing.map((name) => error(name, 'missing', 'is required as a column')),
    ...[...twice].map((name) => error(name, 'duplicate_column', 'is there as a column more than once')),
  ]
  if (errors.length > 0) throw new UnreadableFile(errors)
  const at = Object.fromEntries(known.map((name) => [name, names.indexOf(name)])) as Columns['at']
  return { at, count: names.length }
}

export function notBlank(field: string): boolean {
  return field.trim() !== ''
}
