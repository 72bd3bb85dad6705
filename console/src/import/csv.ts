/** A longer row has a quote that is never closed. */
export const longestRow = 64 * 1024

/** Characters of a quoted cell that contains tabs, in a file with tabs. */
const longestQuoted = 512

export type Damage = 'after_quote' | 'within_field' | 'unclosed' | 'too_long'

export interface CsvRow {
  /** Where it begins, counted from 1. */
  line: number
  fields: string[]
  /** Why it cannot be read. Its fields are empty, and reading continues on the next line. */
  damage?: Damage
}

export interface CsvReader {
  read(text: string): CsvRow[]
  end(): CsvRow[]
}

type Found = { fields: string[]; lines: number } | Damage | 'incomplete'
type Cell = { value: string; end: number }

/**
 * Splits CSV (RFC 4180) into rows; blank lines are no rows. Rows and lines are counted as the service counts them. The text
 * may be cut anywhere.
 */
export function openCsv(delimiter: string, firstLine = 1): CsvReader {
  let rest = ''
  let line = firstLine
  let isSkipping = false
  const scanner = openScanner(delimiter)

  const read = (text: string, isEnd: boolean): CsvRow[] => {
    const rows: CsvRow[] = []
    scanner.start(rest + text, isEnd)
    for (;;) {
      if (isSkipping) {
        if (!scanner.skipLine()) break
        line++
        isSkipping = false
      }
      const found = scanner.next()
      if (found === undefined || found === 'incomplete') break
      if (typeof found === 'string') {
        rows.push({ line, fields: [], damage: found })
        isSkipping = true
        continue
      }
      if (found.fields.length > 1 || found.fields[0] !== '') rows.push({ line, fields: found.fields })
      line += found.lines
    }
    rest = scanner.rest()
    return rows
  }

  return { read: (text) => read(text, false), end: () => read('', true) }
}

function openScanner(delimiter: string) {
  const isTab = delimiter === '\t'
  const plain = new RegExp(`[^${delimiter}\\r\\n]*`, 'y')
  const quoted = /"([^"]*(?:""[^"]*)*)"(?!")/y
  const lineEnd = /[^\r\n]*/y
  let text = ''
  let isEnd = false
  let at = 0

  const endOf = (pattern: RegExp): number => {
    pattern.lastIndex = at
    pattern.test(text)
    return pattern.lastIndex
  }

  const quotedCell = (): Cell | undefined => {
    quoted.lastIndex = at
    const inside = quoted.exec(text)?.[1]
    if (inside === undefined) return undefined
    return { value: inside.includes('"') ? inside.replaceAll('""', '"') : inside, end: quoted.lastIndex }
  }

  /** Between tabs, a quote is a character like any other unless it encloses the whole cell, as spreadsheets write them. */
  const quotedByTabs = (found: Cell | undefined): Cell | 'incomplete' | undefined => {
    const tab = text.indexOf('\t', at)
    const next = tab === -1 ? text.length : tab
    const isBeforeTab = found !== undefined && found.end <= next
    if (!isEnd && next === text.length && (!isBeforeTab || found.end === next)) return 'incomplete'
    if (found === undefined || !/^[\t\r\n]?$/.test(text.charAt(found.end))) return undefined
    return isBeforeTab || found.end <= Math.min(endOf(lineEnd), at + longestQuoted) ? found : undefined
  }

  const cell = (): Cell | Damage | 'incomplete' => {
    if (text[at] === '"') {
      const found = quotedCell()
      if (!isTab) {
        if (!isEnd && (found === undefined || found.end === text.length)) return 'incomplete'
        return found ?? 'unclosed'
      }
      const enclosed = quotedByTabs(found)
      if (enclosed !== undefined) return enclosed
    }
    const end = endOf(plain)
    const value = text.slice(at, end)
    return !isTab && value.includes('"') ? 'within_field' : { value, end }
  }

  /** @returns false if more of the line end may follow */
  const passLineEnd = (): boolean => {
    if (text[at] === '\r' && at + 1 === text.length && !isEnd) return false
    at += text.startsWith('\r\n', at) ? 2 : 1
    return true
  }

  const record = (): Found => {
    const start = at
    if (isTab && !isEnd && endOf(lineEnd) === text.length) return 'incomplete'
    const fields: string[] = []
    for (;;) {
      const found = cell()
      if (typeof found === 'string') return found
      fields.push(found.value)
      at = found.end
      const next = text[at]
      if (next === delimiter) {
        at++
        continue
      }
      if (next === undefined) {
        if (!isEnd) return 'incomplete'
      } else {
        if (next !== '\n' && next !== '\r') return 'after_quote'
        if (!passLineEnd()) return 'incomplete'
      }
      if (at - start > longestRow) return 'too_long'
      return { fields, lines: 1 + fields.reduce((sum, value) => sum + breaksIn(value), 0) }
    }
  }

  return {
    start(newText: string, isLast: boolean): void {
      text = newText
      isEnd = isLast
      at = 0
    },
    rest: () => text.slice(at),
    /** Stays in place unless there is a whole record. Undefined at the end. */
    next(): Found | undefined {
      const start = at
      if (start === text.length) return undefined
      const found = record()
      if (typeof found === 'string') at = start
      return found === 'incomplete' && text.length - start > longestRow ? 'too_long' : found
    },
    skipLine(): boolean {
      at = endOf(lineEnd)
      return at === text.length ? isEnd : passLineEnd()
    },
  }
}

function breaksIn(value: string): number {
  return value.includes('\n') || value.includes('\r') ? (value.match(/\r\n|\r|\n/g)?.length ?? 0) : 0
}
