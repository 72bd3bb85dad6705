import { count } from '../format.ts'
import { more } from '../text/more.ts'
import type { Finding } from './check.ts'
import type { Survey } from './survey.ts'

export function columnName({ columns }: Survey, column: number): string {
  return columns[column]?.name || more.imports.columnNumber(count(column + 1))
}

/** What to do about a row that is left out. */
export function reasonOf({ field, type, value }: Finding): string {
  const { reasons } = more.imports
  const group: Record<string, string> = reasons[field === undefined || type in reasons.row ? 'row' : field]
  const isEmpty = field !== undefined && value === ''
  return (isEmpty ? group['empty'] : undefined) ?? group[type] ?? group['other'] ?? ''
}

const mebibyte = 1024 * 1024

export function size(bytes: number): string {
  return `${count(Math.ceil((bytes / mebibyte) * 10) / 10)} MiB`
}
