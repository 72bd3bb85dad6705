import { type RowError, UnreadableFile } from './report.ts'
import { openScanner } from './scanner.ts'
import { maxListedErrors } from './schemas.ts'

export interface CsvRecord {
  line: number
  fields: string[]
}

export interface RecordReader {
  /** @throws UnreadableFile if the first record cannot be read */
  read(text: string): Generator<CsvRecord[]>
  /** @throws UnreadableFile if any record could not be read */
  end(): Generator<CsvRecord[]>
}

// RFC 4180 with any line end; blank lines are no records. Between tabs a quote is a character like any other (IANA's
// text/tab-separated-values), unless it encloses the whole field, as spreadsheets write them. After an unreadable record,
// reading continues in the next line, so that errors of later records are reported as well.
export function openRecords(delimiter: string, firstLine: number): RecordReader {
  let rest = ''
  let line = firstLine
  let isFirst = true
  let isSkipping = false
  const unreadable: RowError[] = []
  let failed = 0

  const fail = (msg: string) => {
    failed++
    if (unreadable.length < maxListedErrors) unreadable.push({ line, column: null, type: 'csv_invalid', msg })
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
