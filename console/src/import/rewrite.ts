import type { Field } from './columns.ts'
import type { CsvRow, Damage } from './csv.ts'
import { risingIds } from './ids.ts'
import { type Mapping, meaningOf } from './mapping.ts'
import { rowsOf, type Survey } from './survey.ts'
import { guessCategory, readCategory, readPrice, readStock } from './values.ts'

const written = ['id', 'name', 'category', 'price_usd', 'in_stock'] as const

/** Parts of a Blob of this length are few, and need no copy of the whole file. */
const partLength = 256 * 1024

export type RowDamage = Damage | 'field_count'

/** The file as the import of the service takes it. */
export interface Rewritten {
  file: Blob
  rows: number
  /** The line in the original file of a line in this one. */
  lineOf: (line: number) => number
  /** Rows that cannot be sent. */
  damaged: { line: number; damage: RowDamage }[]
  hasIds: boolean
}

interface Options {
  /** Milliseconds since 1970 by the clock of the service. */
  time: number
  signal?: AbortSignal | undefined
  onProgress?: (characters: number) => void
}

export async function rewrite(file: Blob, survey: Survey, mapping: Mapping, options: Options): Promise<Rewritten> {
  const { time, signal, onProgress } = options
  const nextId = risingIds(time)
  const at = (field: Field) => mapping.columns.indexOf(field)
  const columns = { ...positions(at), version: at('version') }
  const names = columns.version === -1 ? written : ([...written, 'version'] as const)
  const reading = { signal, ...(onProgress && { onProgress }) }
  const writer = openWriter(names.join())
  const damaged: Rewritten['damaged'] = []
  let isHeader = true
  for await (const row of rowsOf(file, survey.encoding, survey.layout, reading)) {
    if (isHeader) {
      isHeader = false
      continue
    }
    const damage = damageOf(row, survey.columns.length)
    if (damage === 'blank') continue
    if (damage) {
      damaged.push({ line: row.line, damage })
      continue
    }
    const cell = (column: number) => row.fields[column] ?? ''
    const id = cell(columns.id).trim()
    const cells = [
      id === '' ? nextId() : id,
      cell(columns.name),
      categoryIn(columns.category === -1 ? undefined : cell(columns.category), mapping),
      priceIn(cell(columns.price_usd), mapping),
      stockIn(columns.in_stock === -1 ? undefined : cell(columns.in_stock), mapping),
      ...(columns.version === -1 ? [] : [cell(columns.version).trim()]),
    ]
    writer.add(cells, row.line)
  }
  return { ...writer.result(), damaged, hasIds: columns.id !== -1 }
}

function isBlank(cell: string): boolean {
  return cell.trim() === ''
}

function positions(at: (field: Field) => number) {
  return {
    id: at('id'),
    name: at('name'),
    category: at('category'),
    price_usd: at('price_usd'),
    in_stock: at('in_stock'),
  }
}

function damageOf({ fields, damage }: CsvRow, width: number): RowDamage | 'blank' | undefined {
  if (damage) return damage
  if (fields.every(isBlank)) return 'blank'
  return fields.length > width && !fields.slice(width).every(isBlank) ? 'field_count' : undefined
}

function categoryIn(cell: string | undefined, { category, categories }: Mapping): string {
  if (cell === undefined) return category ?? ''
  const value = cell.trim()
  return readCategory(value) ?? meaningOf(categories, value, guessCategory) ?? value
}

function stockIn(cell: string | undefined, { inStock, stock }: Mapping): string {
  if (cell === undefined) return String(inStock ?? '')
  const value = cell.trim()
  return String(readStock(value) ?? stock[value] ?? value)
}

/** The service suspects that `1.299` means thousands; `1.2990` cannot. */
function priceIn(cell: string, { sign }: Mapping): string {
  const price = readPrice(cell, sign)
  return price === undefined ? cell.trim() : price.replace(/^([1-9]\d{0,2}\.\d{3})$/, '$10')
}

function openWriter(header: string) {
  const parts: (Blob | string)[] = []
  let text = `${header}\n`
  const lines = openLines()
  lines.add(1, 1)
  let rows = 0
  return {
    add(cells: string[], line: number): void {
      const row = `${cells.map(quotedIfNeeded).join()}\n`
      text += row
      rows++
      lines.add(line, linesIn(row))
      if (text.length < partLength) return
      // A Blob of its own keeps this part out of the heap.
      parts.push(new Blob([text]))
      text = ''
    },
    result() {
      parts.push(text)
      return { file: new Blob(parts, { type: 'text/csv' }), rows, lineOf: lines.of }
    },
  }
}

function quotedIfNeeded(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell
}

function linesIn(row: string): number {
  return row.includes('"') ? (row.match(/\r\n|\r|\n/g)?.length ?? 1) : 1
}

/** Four bytes a line. */
function openLines() {
  let lines = new Uint32Array(1024)
  let length = 0
  return {
    add(line: number, count: number): void {
      for (let index = 0; index < count; index++) {
        if (length === lines.length) {
          const longer = new Uint32Array(length * 2)
          longer.set(lines)
          lines = longer
        }
        lines[length++] = line
      }
    },
    of: (line: number): number => lines[line - 1] ?? line,
  }
}
