import { fieldsOf } from './columns.ts'
import { openCsv } from './csv.ts'
import { readCategory, readPrice } from './values.ts'

const delimiters = [',', ';', '\t'] as const
export type Delimiter = (typeof delimiters)[number]

/** Rows in which the header is looked for: titles and dates may stand above it. */
export const searchedRows = 10

export interface Layout {
  delimiter: Delimiter
  /** Where the text of the table begins: after a line `sep=;`. */
  start: number
  firstLine: number
  /** The line of the header, or of the first row if there is no header. */
  headerLine: number
  hasHeader: boolean
}

/** @param text the start of the file; whole, or at least ten rows of it */
export function layoutOf(text: string): Layout {
  const separator = /^"?sep=([,;\t])"?[ \t]*(?:\r\n|\n|\r)/i.exec(text)
  const start = separator?.[0].length ?? 0
  const firstLine = separator ? 2 : 1
  const given = delimiters.find((each) => each === separator?.[1])
  const candidates = (given ? [given] : delimiters).map((delimiter) => {
    const rows = openCsv(delimiter, firstLine)
      .read(`${text.slice(start)}\n`)
      .slice(0, searchedRows)
    const found = rows.map(({ fields }) => fieldsOf(fields).filter((field) => field !== undefined).length)
    const best = Math.max(0, ...found)
    const header = best >= 2 ? rows[found.indexOf(best)] : undefined
    const widest = Math.max(0, ...rows.map(({ fields }) => fields.length))
    return { delimiter, rows, header, rank: best * 1000 + widest }
  })
  const best = candidates.reduce((one, other) => (other.rank > one.rank ? other : one))
  const first = best.header ?? best.rows.find(({ fields }) => fields.length > 1) ?? best.rows[0]
  const hasHeader = best.header !== undefined || !isData(first?.fields ?? [])
  return { delimiter: best.delimiter, start, firstLine, headerLine: first?.line ?? firstLine, hasHeader }
}

/** Rows that were copied out of a spreadsheet often come without their header. */
function isData(cells: string[]): boolean {
  return cells.some((cell) => readCategory(cell) !== undefined || readPrice(cell, '.') !== undefined)
}
