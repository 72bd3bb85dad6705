import { categories } from '../../database/constraints.ts'
import { exactNumber } from '../../http/body-parsers.ts'
import { jsonNumber } from '../../http/query-parameters.ts'
import { columnsAt, type Columns, notBlank, type Renamed } from './header.ts'
import { readLayout } from './layout.ts'
import { type CsvRecord, openRecords } from './records.ts'
import type { Row } from './rows.ts'

/** @throws UnreadableFile for an invalid header, a misplaced quote, or a row that is too long */
export async function* csvRows(chunks: AsyncGenerator<Buffer>, renamed: Renamed): AsyncGenerator<Row[]> {
  try {
    const layout = await readLayout(chunks, renamed)
    const reader = openRecords(layout.delimiter, layout.line)
    const toRow = openRows(renamed, layout.delimiter === ';')
    for (const records of reader.read(layout.text)) yield records.flatMap(toRow)
    for await (const chunk of chunks) {
      for (const records of reader.read(chunk.toString())) yield records.flatMap(toRow)
    }
    for (const records of reader.end()) yield records.flatMap(toRow)
  } finally {
    await chunks.return(undefined)
  }
}

function openRows(renamed: Renamed, isEuropean: boolean): (record: CsvRecord) => Row[] {
  let columns: Columns | undefined
  /** A point may separate thousands if the file shows decimal commas, or semicolons because of them. */
  let hasCommas = isEuropean
  return ({ line, fields }) => {
    if (columns === undefined) {
      columns = columnsAt(fields, line, renamed)
      return []
    }
    const { at, count } = columns
    const field = (index: number) => (index === -1 ? '' : (fields[index] ?? ''))
    const price = field(at.price_usd).trim()
    // Spreadsheets leave empty rows behind.
    if (price === '' && !fields.some(notBlank)) return []
    if (fields.length > count && fields.slice(count).some(notBlank)) {
      const msg = `has ${fields.length} fields for ${count} columns: quote fields that contain the delimiter`
      return [{ line, fields: undefined, error: { type: 'field_count', msg } }]
    }
    const isDoubtful = threeDecimals.test(price)
    hasCommas ||= decimalComma.test(price)
    const id = field(at.id).trim()
    const version = field(at.version).trim()
    const row = {
      name: field(at.name),
      category: toCategory(field(at.category)),
      price_usd: isDoubtful && hasCommas ? price : toNumber(price),
      in_stock: toBoolean(field(at.in_stock)),
      ...(id !== '' && { id }),
      ...(version !== '' && { version: toNumber(version) }),
    }
    return [{ line, fields: row, isText: true, isDoubtful, hasCommas }]
  }
}

const threeDecimals = /^[1-9]\d{0,2}\.\d{3}$/
const decimalComma = /^\d[\d.]*,\d{1,2}$/
function toNumber(text: string): number | string {
  return jsonNumber.test(text) ? exactNumber(text) : text
}

const words = new Map(Object.entries({ true: true, yes: true, 1: true, false: false, no: false, 0: false }))

function toBoolean(text: string): boolean | string {
  const word = text.trim()
  return words.get(word.toLowerCase()) ?? word
}

const byName = new Map<string, string>(categories.map((category) => [category.toLowerCase(), category]))

function toCategory(text: string): string {
  const word = text.trim()
  return byName.get(word.toLowerCase()) ?? word
}
