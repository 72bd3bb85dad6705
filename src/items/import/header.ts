import { categories } from '../../database/constraints.ts'
import { validationFailed, type Problem } from '../../problems.ts'
import { quoted } from './hints.ts'
import { type RowError, UnreadableFile } from './report.ts'

const required = ['name', 'category', 'price_usd', 'in_stock'] as const
export const known = ['id', ...required, 'version'] as const
export type Column = (typeof known)[number]

export type Renamed = Map<Column, string>

/** The index of each column, -1 if missing, and the number of all columns, ignored ones included. */
export interface Columns {
  at: Record<Column, number>
  count: number
}

const aliases: Record<string, Column> = { price: 'price_usd', price_in_usd: 'price_usd', instock: 'in_stock' }

/** @throws Problem invalid_request if two parameters name the same column */
export function renamedColumns(parameters: string[] = []): Renamed {
  const renamed: Renamed = new Map()
  for (const text of parameters) {
    const at = text.indexOf('=')
    const column = text.slice(0, at) as Column
    if (renamed.has(column)) throw wrongColumn(`names ${column} more than once`)
    renamed.set(column, text.slice(at + 1))
  }
  return renamed
}

export function wrongColumn(msg: string): Problem {
  return validationFailed([{ type: 'value_error', loc: ['query', 'column'], msg }])
}

/** @throws UnreadableFile if columns are missing or duplicated */
export function columnsAt(header: string[], line: number, renamed: Renamed): Columns {
  const names = namesOf(header)
  const positions = known.map((column) => [column, positionsOf(column, names, renamed)] as const)
  const missing = positions.filter(([column, at]) => at.length === 0 && (isRequired(column) || renamed.has(column)))
  const twice = positions.filter(([, at]) => at.length > 1)
  const error = (column: string, type: string, msg: string): RowError => ({ line, column, type, msg })
  if (foundOf(header, renamed) === 0)
    throw new UnreadableFile([{ ...error('', 'header', noHeader(header)), column: null }])
  const errors = [
    ...missing.map(([column]) => error(column, 'missing', missingColumn(column, names, renamed))),
    ...twice.map(([column]) => error(column, 'duplicate_column', 'is a duplicate column: rename one')),
  ]
  if (errors.length > 0) throw new UnreadableFile(errors)
  const at = Object.fromEntries(positions.map(([column, [first = -1]]) => [column, first])) as Columns['at']
  return { at, count: header.length }
}

export function foundOf(header: string[], renamed: Renamed): number {
  const names = namesOf(header)
  return required.filter((column) => positionsOf(column, names, renamed).length > 0).length
}

export function isHeader(header: string[], renamed: Renamed): boolean {
  return foundOf(header, renamed) === required.length
}

export function notBlank(field: string): boolean {
  return field.trim() !== ''
}

function isRequired(column: Column): boolean {
  return required.some((each) => each === column)
}

/** As they are written, and as columns are called. */
interface Names {
  written: string[]
  simple: string[]
}

function namesOf(header: string[]): Names {
  return { written: header, simple: header.map(simplify) }
}

function positionsOf(column: Column, { written, simple }: Names, renamed: Renamed): number[] {
  const wanted = renamed.get(column)?.trim().toLowerCase()
  if (wanted !== undefined) return indexes(written, (name) => name.trim().toLowerCase() === wanted)
  const exact = indexes(simple, (name) => name === column)
  return exact.length > 0 ? exact : indexes(simple, (name) => aliases[name] === column)
}

function indexes(names: string[], isWanted: (name: string) => boolean): number[] {
  return names.flatMap((name, index) => (isWanted(name) ? [index] : []))
}

/** `Price (USD)` becomes `price_usd`. Signs of other currencies stay, because such prices are not in dollars. */
function simplify(name: string): string {
  const words = name
    .toLowerCase()
    .replaceAll('$', ' usd ')
    .match(/[\p{L}\p{N}\p{Sc}]+/gu)
  return words?.join('_') ?? ''
}

function noHeader(header: string[]): string {
  const values = new Set(header.map((field) => field.trim().toLowerCase()))
  const isRow = categories.some((category) => values.has(category.toLowerCase()))
  const names = required.join(', ')
  return isRow
    ? `is a data row, not a header: add a first line that names ${names}`
    : `has none of the columns ${names}: rename those of the file, or map them, as in column=price_usd=Preis`
}

function missingColumn(column: Column, { written, simple }: Names, renamed: Renamed): string {
  const name = renamed.get(column)
  if (name !== undefined) return `is mapped to the column ${quoted(name)}, which the file lacks`
  const isUnknown = (each: string, index: number) => notBlank(each) && !known.some((one) => one === simple[index])
  const others = written.filter(isUnknown).slice(0, 3)
  const hint = others.length > 0 ? `: if it is ${others.map(quoted).join(' or ')}, rename that` : ''
  return `is required as a column${hint}`
}
