import { type RowError, UnreadableFile } from './report.ts'
import { openScanner } from './scanner.ts'
import { listedErrors } from './schemas.ts'

/** A record of CSV. */
export interface CsvRecord {
  /** The line in which it begins, the first being 1. */
  line: number
  fields: string[]
}

export interface RecordReader {
  /** The records that `text` completes. @throws UnreadableFile if the first record cannot be read */
  read(text: string): Generator<CsvRecord[]>
  /** The last record, if no line end follows it. @throws UnreadableFile if any record could not be read */
  end(): Generator<CsvRecord[]>
}

/**
 * Splits CSV (RFC 4180, with any kind of line end) into records; blank lines are none. Between tabs a quote is a character
 * like any other (IANA's text/tab-separated-values), unless it encloses the whole field, as spreadsheets write them: over
 * several lines, if there is no tab in it.
 * After a record that cannot be read it goes on in the next line, so that what is wrong with the others is known as well.
 *
 * @param firstLine the line in which the text begins
 */
export function openRecords(delimiter: string, firstLine: number): RecordReader {
  let rest = ''
  let line = firstLine
  let isFirst = true
  /** Whether the line that `rest` belongs to is that of a record that cannot be read. */
  let isSkipping = false
  const unreadable: RowError[] = []
  let failed = 0

  const fail = (msg: string) => {
    failed++
    if (unreadable.length < listedErrors) unreadable.push({ line, column: null, type: 'csv_invalid', msg })
    if (isFirst) throw new UnreadableFile(unreadable)
  }

  function* read(text: string, isEnd: boolean): Generator<CsvRecord[]> {
    const scanner = openScanner(rest + text, delimiter, isEnd)
    const records: CsvRecord[] = []
    for (;;) {
      if (isSkipping) {
        if (!scanner.skipLine()) break
        line++
        isSkipping = false
      }
      const found = scanner.next()
      if (found === undefined || found === 'incomplete') break
      if ('failure' in found) {
        fail(found.failure)
        isSkipping = true
        continue
      }
      const isBlank = found.fields.length === 1 && found.fields[0] === ''
      if (!isBlank) {
        records.push({ line, fields: found.fields })
        isFirst = false
      }
      line += found.lines
    }
    rest = scanner.rest()
    yield records
    if (isEnd && failed > 0) throw new UnreadableFile(unreadable, failed)
  }

  return { read: (text) => read(text, false), end: () => read('', true) }
}
