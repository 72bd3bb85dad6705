import { UnreadableFile } from './report.ts'
import { longestRow } from './rows.ts'

/** A record of CSV. */
export interface CsvRecord {
  /** The line in which it begins, the first being 1. */
  line: number
  fields: string[]
}

export interface RecordReader {
  /** The records that `text` completes. @throws UnreadableFile once those before the unreadable one have been read */
  read(text: string): Generator<CsvRecord[]>
  /** The last record, if no line end follows it. @throws UnreadableFile */
  end(): Generator<CsvRecord[]>
}

/**
 * Splits CSV (RFC 4180, with any kind of line end) into records; blank lines are none. Between tabs a quote is a character
 * like any other (IANA's text/tab-separated-values), unless it encloses the whole field in its line, as Excel writes them.
 *
 * @param firstLine the line in which the text begins
 */
export function openRecords(delimiter: string, firstLine: number): RecordReader {
  let rest = ''
  let line = firstLine

  function* read(text: string, isEnd: boolean): Generator<CsvRecord[]> {
    const scanner = openScanner(rest + text, delimiter, isEnd)
    const records: CsvRecord[] = []
    let failure: string | undefined
    rest = ''
    for (;;) {
      const start = scanner.position()
      const found = scanner.next()
      if (found === undefined) break
      if (found === 'incomplete') {
        rest = scanner.from(start)
        if (rest.length > longestRow) failure = tooLong
        break
      }
      failure = 'failure' in found ? found.failure : found.length > longestRow ? tooLong : undefined
      if (failure !== undefined || 'failure' in found) break
      if (found.fields.length > 1 || found.fields[0] !== '') records.push({ line, fields: found.fields })
      line += found.lines
    }
    yield records
    if (failure !== undefined) throw new UnreadableFile([{ line, column: null, type: 'csv_invalid', msg: failure }])
  }

  return { read: (text) => read(text, false), end: () => read('', true) }
}

const afterQuote = 'has text after a quote that closes a field: a quote within a field has to be doubled'
const withinField = 'has a quote within a field that has none around it: put quotes around it, and double this one'
const unclosed = 'has a quote that is never closed'
const tooLong = `is longer than ${longestRow / 1024} KiB: there may be a quote that is never closed`

interface Found {
  fields: string[]
  /** Lines and characters that the record takes. */
  lines: number
  length: number
}

interface Field {
  value: string
  end: number
}

interface Failure {
  failure: string
}

/** Characters within which a quoted field between tabs has to end. A name has 64, of which each may be two, and doubled. */
const longestQuoted = 512

/** Finds one record after the other in `text`. @param isEnd whether nothing follows it */
function openScanner(text: string, delimiter: string, isEnd: boolean) {
  let at = 0
  const nextDelimiter = openSearch(text, delimiter)
  const nextLineFeed = openSearch(text, '\n')
  const nextReturn = openSearch(text, '\r')
  const lineEnd = () => Math.min(nextLineFeed(at), nextReturn(at))

  /** The field that begins here. */
  const field = (): Field | Failure | 'incomplete' => {
    if (text[at] === '"' && delimiter !== '\t') return quotedField(text, at, isEnd)
    const quoted = text[at] === '"' ? quotedInLine(text, at, lineEnd()) : undefined
    if (quoted !== undefined) return quoted
    const end = Math.min(nextDelimiter(at), lineEnd())
    const value = text.slice(at, end)
    return delimiter !== '\t' && value.includes('"') ? { failure: withinField } : { value, end }
  }

  return {
    position: () => at,
    from: (start: number) => text.slice(start),
    /** Undefined at the end. */
    next(): Found | Failure | 'incomplete' | undefined {
      const start = at
      if (start === text.length) return undefined
      if (delimiter === '\t' && !isEnd && lineEnd() === text.length) return 'incomplete'
      const fields: string[] = []
      for (;;) {
        const found = field()
        if (found === 'incomplete' || 'failure' in found) return found
        fields.push(found.value)
        at = found.end
        const next = text[at]
        if (next === undefined) {
          if (!isEnd) return 'incomplete'
          break
        }
        if (next === delimiter) {
          at++
          continue
        }
        if (next !== '\n' && next !== '\r') return { failure: afterQuote }
        if (next === '\r' && at + 1 === text.length && !isEnd) return 'incomplete'
        at += text.startsWith('\r\n', at) ? 2 : 1
        break
      }
      const inQuotes = fields.reduce((sum, value) => sum + breaksIn(value), 0)
      return { fields, lines: 1 + inQuotes, length: at - start }
    },
  }
}

/** Where `wanted` comes next, from any position that does not go back. Each character is looked at once. */
function openSearch(text: string, wanted: string): (from: number) => number {
  let found = -1
  return (from) => {
    if (found < from) {
      found = text.indexOf(wanted, from)
      if (found === -1) found = text.length
    }
    return found
  }
}

function quotedField(text: string, start: number, isEnd: boolean): Field | Failure | 'incomplete' {
  let end = text.indexOf('"', start + 1)
  let isDoubled = false
  while (end !== -1 && text[end + 1] === '"') {
    isDoubled = true
    end = text.indexOf('"', end + 2)
  }
  if (end === -1) return isEnd ? { failure: unclosed } : 'incomplete'
  if (end + 1 === text.length && !isEnd) return 'incomplete'
  const value = text.slice(start + 1, end)
  return { value: isDoubled ? value.replaceAll('""', '"') : value, end: end + 1 }
}

/** Undefined if the quote that begins at `start` encloses no field of this line. */
function quotedInLine(text: string, start: number, lineEnd: number): Field | undefined {
  const [whole, value = ''] =
    /^"((?:[^"]|"")*)"/.exec(text.slice(start, Math.min(lineEnd, start + longestQuoted))) ?? []
  if (whole === undefined) return undefined
  const end = start + whole.length
  return end === lineEnd || text[end] === '\t' ? { value: value.replaceAll('""', '"'), end } : undefined
}

function breaksIn(field: string): number {
  return field.includes('\n') || field.includes('\r') ? (field.match(/\r\n|\r|\n/g)?.length ?? 0) : 0
}
