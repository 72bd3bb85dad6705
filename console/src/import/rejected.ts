import { rowsOf, type Survey } from './survey.ts'

const byteOrderMark = '\uFEFF'

export interface BadRow {
  line: number
  fields: string[]
}

/** Rows of the original file by their lines. */
export async function rowsAt(file: Blob, survey: Survey, lines: Set<number>): Promise<BadRow[]> {
  const found: BadRow[] = []
  const last = Math.max(...lines)
  for await (const { line, fields } of rowsOf(file, survey.encoding, survey.layout)) {
    if (lines.has(line)) found.push({ line, fields })
    if (line >= last) break
  }
  return found
}

/** A file of these rows with the columns of the original one, in UTF-8 that Excel recognizes. */
export function fileOf(rows: BadRow[], { columns, layout: { delimiter, hasHeader } }: Survey): Blob {
  const header = hasHeader ? [columns.map(({ name }) => name)] : []
  const lines = [...header, ...rows.map(({ fields }) => fields)]
  const text = lines.map((cells) => `${cells.map((cell) => quotedIn(cell, delimiter)).join(delimiter)}\r\n`)
  return new Blob([byteOrderMark, ...text], { type: 'text/csv' })
}

function quotedIn(cell: string, delimiter: string): string {
  return /["\r\n]/.test(cell) || cell.includes(delimiter) ? `"${cell.replaceAll('"', '""')}"` : cell
}
