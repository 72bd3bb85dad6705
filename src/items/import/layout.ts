import { foundOf, isHeader, notBlank, type Renamed } from './header.ts'
import { quoted } from './hints.ts'
import { UnreadableFile } from './report.ts'
import { longestRow } from './rows.ts'

const delimiters = [',', ';', '\t']

/** Lines in which the header is looked for, to report what stands above it. */
const searchedLines = 10

/** Of a line while the header is looked for. */
const searchedNames = 1_000

export interface Layout {
  delimiter: string
  text: string
  line: number
}

/** @throws UnreadableFile if the file is blank, is JSON, or has text above its header */
export async function readLayout(chunks: AsyncIterator<Buffer>, renamed: Renamed): Promise<Layout> {
  let text = ''
  let searched = 0
  for (;;) {
    const lines = wholeLines(text)
    const isKnown = lines.slice(searched).some((line) => namesColumns(line, renamed))
    searched = lines.length
    if (isKnown || lines.length > searchedLines || text.length > longestRow) break
    const { value, done } = await chunks.next()
    if (done === true) break
    text += String(value)
  }
  const separator = /^"?sep=([,;\t])"?[ \t]*(?:\r\n|\n|\r)/i.exec(text)
  const rest = separator ? text.slice(separator[0].length) : text
  const line = separator ? 2 : 1
  refuseOthers(rest, line, renamed)
  return { delimiter: separator?.[1] ?? delimiterOf(firstLine(rest), renamed), text: rest, line }
}

/** The delimiter that yields the columns; if none does, the one that yields the most fields. */
function delimiterOf(header: string, renamed: Renamed): string {
  const rank = (delimiter: string) => {
    const names = namesIn(header, delimiter)
    return foundOf(names, renamed) * longestRow + names.length
  }
  return delimiters.reduce((best, each) => (rank(each) > rank(best) ? each : best))
}

function refuseOthers(text: string, line: number, renamed: Renamed): void {
  const fail = (type: string, msg: string, at = line) => {
    throw new UnreadableFile([{ line: at, column: null, type, msg }])
  }
  const first = firstLine(text).trim()
  if (first === '' && text.trim() === '') {
    fail('file_empty', 'is empty: the first line must name the columns name, category, price_usd, in_stock')
  }
  if (/^[[{]/.test(first)) fail('not_csv', 'is JSON, not CSV: send it as application/x-ndjson, one object per line')
  if (/^"[^"]*\\n/.test(first))
    fail('not_csv', 'is a JSON string, not CSV: send the file itself, without JSON.stringify')
  const lines = text
    .slice(0, longestRow)
    .split(/\r\n|\n|\r/)
    .slice(0, searchedLines)
  const header = lines.findIndex((each) => namesColumns(each, renamed))
  const above = lines.slice(0, Math.max(header, 0)).findIndex(notBlank)
  if (above !== -1) {
    const msg = `is ${quoted(lines[above] ?? '')}, and the columns are named in line ${line + header}: delete the lines above that`
    fail('header', msg, line + above)
  }
}

function firstLine(text: string): string {
  return (
    text
      .slice(0, longestRow)
      .split(/\r\n|\n|\r/)
      .find(notBlank) ?? ''
  )
}

function wholeLines(text: string): string[] {
  return text.split(/\r\n|\n|\r/, searchedLines + 2).slice(0, -1)
}

function namesColumns(line: string, renamed: Renamed): boolean {
  return delimiters.some((delimiter) => isHeader(namesIn(line, delimiter), renamed))
}

function namesIn(line: string, delimiter: string): string[] {
  return line.split(delimiter, searchedNames).map((name) => name.replaceAll('"', ''))
}
