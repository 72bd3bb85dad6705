import { type CsvRow, openCsv } from './csv.ts'
import { type Encoding, encodingsOf, textOf, UnreadableFile } from './decode.ts'
import { type Layout, layoutOf } from './layout.ts'
import { openSlices } from './slices.ts'
import { type DecimalSign, decimalSignIn } from './values.ts'

/** More different values than a column of words has. */
const mostValues = 40
const samples = 4
/** Characters in which the layout shows. */
const layoutLength = 64 * 1024
const enoughSigns = 20

export interface Survey {
  encoding: Encoding
  layout: Layout
  columns: SurveyedColumn[]
  /** The first rows, as they are in the file. */
  rows: string[][]
  count: number
}

export interface SurveyedColumn {
  index: number
  name: string
  /** Different values, in order of appearance; undefined if there are too many to list. */
  values: string[] | undefined
  /** How prices are written, if any shows it. */
  sign: DecimalSign | undefined
}

interface Progress {
  signal?: AbortSignal | undefined
  /** Called with the number of characters read. */
  onProgress?: (read: number) => void
  /** Whether the first row names the columns, if the manager knows better. */
  hasHeader?: boolean | undefined
}

/** Reads the whole file once. @throws UnreadableFile */
export async function surveyOf(file: Blob, progress: Progress = {}): Promise<Survey> {
  const [first = 'utf-8', second] = await encodingsOf(file)
  try {
    return await surveyIn(file, first, progress)
  } catch (error) {
    if (!(error instanceof TypeError) || second === undefined) throw error
    return surveyIn(file, second, progress)
  }
}

async function surveyIn(file: Blob, encoding: Encoding, progress: Progress): Promise<Survey> {
  const collector = openCollector()
  let layout: Layout | undefined
  for await (const row of rowsOf(file, encoding, undefined, { ...progress, onLayout: (found) => (layout = found) })) {
    collector.add(row)
  }
  const { header, rows, count, columns } = collector.result()
  if (layout === undefined || header === undefined) throw new UnreadableFile('empty')
  if (count === 0) throw new UnreadableFile('no_rows')
  return { encoding, layout, columns, rows, count }
}

interface Reading extends Progress {
  onLayout?: (layout: Layout) => void
}

/** All rows from the header on; without one, an empty header comes first. */
export async function* rowsOf(
  file: Blob,
  encoding: Encoding,
  known: Layout | undefined,
  { signal, onProgress, onLayout, hasHeader }: Reading = {},
): AsyncGenerator<CsvRow> {
  const rest = openSlices(signal)
  let layout = known
  let waiting = ''
  let length = 0
  let reader: ReturnType<typeof openCsv> | undefined
  const begin = (text: string): CsvRow[] => {
    refuseOthers(text)
    layout ??= { ...layoutOf(text), ...(hasHeader !== undefined && { hasHeader }) }
    onLayout?.(layout)
    reader = openCsv(layout.delimiter, layout.firstLine)
    const header = layout.hasHeader ? [] : [{ line: 0, fields: [] }]
    return [...header, ...reader.read(text.slice(layout.start))]
  }
  const isInTable = ({ line }: CsvRow) => line === 0 || line >= (layout?.headerLine ?? 0)
  for await (const piece of textOf(file, encoding)) {
    await rest()
    length += piece.length
    onProgress?.(length)
    if (reader) {
      yield* reader.read(piece)
    } else {
      waiting += piece
      if (waiting.length >= layoutLength) yield* begin(waiting).filter(isInTable)
    }
  }
  if (!reader) yield* begin(waiting).filter(isInTable)
  if (reader) yield* reader.end().filter(isInTable)
}

function refuseOthers(text: string): void {
  const start = text.trimStart()
  if (start === '') throw new UnreadableFile('empty')
  if (/^(?:\{\s*"|\[\s*[{[])/.test(start)) throw new UnreadableFile('json')
}

function openCollector() {
  let header: string[] | undefined
  const rows: string[][] = []
  let count = 0
  const values: (Set<string> | undefined)[] = []
  const signs: { points: number; commas: number }[] = []

  const addCell = (cell: string, column: number) => {
    const text = cell.trim()
    if (column >= values.length) {
      values.push(new Set())
      signs.push({ points: 0, commas: 0 })
    }
    const seen = values[column]
    if (seen && text !== '') {
      seen.add(text)
      if (seen.size > mostValues) values[column] = undefined
    }
    const shown = signs[column]
    if (shown && shown.points + shown.commas < enoughSigns && /^[$\d]/.test(text)) {
      const sign = decimalSignIn(text)
      if (sign === '.') shown.points++
      if (sign === ',') shown.commas++
    }
  }

  return {
    add({ fields }: CsvRow): void {
      if (header === undefined) {
        header = fields
        return
      }
      if (!fields.some((cell) => cell.trim() !== '')) return
      count++
      if (rows.length < samples) rows.push(fields)
      for (const [column, cell] of fields.entries()) addCell(cell, column)
    },
    result() {
      const width = Math.max(header?.length ?? 0, header?.length === 0 ? values.length : 0)
      const columns = Array.from({ length: width }, (_, index): SurveyedColumn => {
        const { points, commas } = signs[index] ?? { points: 0, commas: 0 }
        const sign = points + commas === 0 ? undefined : commas > points ? ',' : '.'
        return { index, name: header?.[index]?.trim() ?? '', values: listOf(values, index), sign }
      })
      return { header, rows, count, columns }
    },
  }
}

function listOf(values: (Set<string> | undefined)[], column: number): string[] | undefined {
  if (column >= values.length) return []
  const seen = values[column]
  return seen && [...seen]
}
