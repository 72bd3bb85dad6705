import { type Info, parse } from 'csv-parse'

import { exactNumber } from '../../bodies.ts'
import { columnsAt, type Columns, notBlank } from './header.ts'
import { UnreadableFile } from './report.ts'
import { longestRow, type Row } from './rows.ts'

const delimiters = [',', ';', '\t']

/**
 * The rows of CSV (RFC 4180) whose first record names the columns, those of a chunk together.
 *
 * @throws UnreadableFile if the header does not fit, a quote is where none may be, or a row is too long
 */
export async function* csvRows(chunks: AsyncGenerator<Buffer>): AsyncGenerator<Row[]> {
  const start = await firstLine(chunks)
  const parser = openParser(mostFrequentDelimiter(start))
  try {
    yield* parser.read(start)
    for await (const chunk of chunks) yield* parser.read(chunk)
    yield* parser.end()
  } finally {
    parser.close()
    await chunks.return(undefined)
  }
}

/** csv-parse, with its errors in our words and line numbers that hold. */
function openParser(delimiter: string) {
  const lines = openLines()
  let [rows, columns]: [Row[], Columns | undefined] = [[], undefined]
  const parser = parse({
    delimiter,
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: longestRow,
    on_record(fields, info) {
      const line = lines.begin(fields, info)
      if (columns) rows.push(...toRow(fields, line, columns))
      else columns = columnsAt(fields, line)
      return null
    },
  })
  // What is wrong is told where it was written, too.
  parser.on('error', () => {}).resume()

  /** The rows that came, also those before the one that cannot be read. */
  async function* rowsOf(send: (done: (error?: Error | null) => void) => void): AsyncGenerator<Row[]> {
    const error = await new Promise<Error | null | undefined>(send)
    yield rows
    rows = []
    if (error) throw misread(error, lines.next(parser.info))
  }

  return {
    read: (chunk: Buffer) => rowsOf((done) => parser.write(chunk, done)),
    async *end() {
      yield* rowsOf((done) => parser.end(done))
      if (!columns) columnsAt([], 1)
    },
    close: () => parser.destroy(),
  }
}

/** The file up to where its first line ends, or to where it is too long for one. */
async function firstLine(chunks: AsyncIterator<Buffer>): Promise<Buffer> {
  let start: Buffer = Buffer.alloc(0)
  while (start.length <= longestRow && !start.includes(0x0a) && !start.includes(0x0d)) {
    const { value, done } = await chunks.next()
    if (done === true) break
    start = Buffer.concat([start, value])
  }
  return start
}

function mostFrequentDelimiter(start: Buffer): string {
  const [line = ''] = start
    .subarray(0, longestRow)
    .toString()
    .trimStart()
    .split(/[\r\n]/, 1)
  const unquoted = line.replaceAll(/"[^"]*"/g, '')
  const count = (delimiter: string) => unquoted.split(delimiter).length
  return delimiters.reduce((best, each) => (count(each) > count(best) ? each : best))
}

/** Counts physical lines: csv-parse tells in which a record ends, and takes CRLF within quotes for two. */
function openLines() {
  let [line, blank, counted] = [1, 0, 1]
  const next = ({ empty_lines }: Info) => line + empty_lines - blank
  return {
    /** Where the record that was just read begins. */
    begin(fields: string[], info: Info): number {
      const begin = next(info)
      const blanks = info.empty_lines - blank
      const isLong = info.lines > counted + blanks
      line = begin + 1 + (isLong ? fields.reduce((sum, field) => sum + breaksIn(field), 0) : 0)
      blank = info.empty_lines
      counted = info.lines + 1
      return begin
    },
    /** Where the one that is read now begins. */
    next,
  }
}

function breaksIn(field: string): number {
  return field.match(/\r\n|\r|\n/g)?.length ?? 0
}

function toRow(fields: string[], line: number, { at, count }: Columns): Row[] {
  if (fields.length !== count) {
    if (!fields.some(notBlank)) return []
    const msg = `has ${fields.length} fields, and there are ${count} columns`
    return [{ line, fields: undefined, error: { type: 'field_count', msg } }]
  }
  const [name = '', category = ''] = [fields[at.name], fields[at.category]]
  const [price = '', inStock = ''] = [fields[at.price_usd], fields[at.in_stock]]
  const id = at.id === -1 ? '' : (fields[at.id] ?? '').trim()
  // Spreadsheets leave rows behind that have nothing in them.
  if (price.trim() === '' && !fields.some(notBlank)) return []
  const item = { name, category, price_usd: toNumber(price.trim()), in_stock: toBoolean(inStock.trim()) }
  return [{ line, fields: id === '' ? item : { id, ...item } }]
}

const jsonNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[-+]?\d+)?$/i

function toNumber(text: string): number | string {
  return jsonNumber.test(text) ? exactNumber(text) : text
}

function toBoolean(text: string): boolean | string {
  const small = text.toLowerCase()
  return small === 'true' || (small === 'false' ? false : text)
}

const quoting: Record<string, string> = {
  CSV_INVALID_CLOSING_QUOTE: 'has text after a quote that closes a field: a quote within a field has to be doubled',
  INVALID_OPENING_QUOTE:
    'has a quote within a field that has none around it: put quotes around it, and double this one',
  CSV_QUOTE_NOT_CLOSED: 'has a quote that is never closed',
  CSV_MAX_RECORD_SIZE: `is longer than ${longestRow / 1024} KiB: there may be a quote that is never closed`,
}

function misread(error: Error & { code?: string }, line: number): unknown {
  const msg = quoting[error.code ?? '']
  return msg === undefined ? error : new UnreadableFile([{ line, column: null, type: 'csv_invalid', msg }])
}
