import { longestRow } from './rows.ts'

const afterQuote = 'has text after a quote that closes a field: a quote within a field has to be doubled'
const withinField = 'has a quote within a field that has none around it: put quotes around it, and double this one'
const unclosed = 'has a quote that is never closed'
const tooLong = `is longer than ${longestRow / 1024} KiB: there may be a quote that is never closed`

interface Found {
  fields: string[]
  lines: number
}

interface Field {
  value: string
  end: number
}

interface Failure {
  failure: string
}

/** Characters of a quoted field with tabs. A name has 64, each of which may take two, and be doubled. */
const longestQuoted = 512

export function openScanner(text: string, delimiter: string, isEnd: boolean) {
  let at = 0
  const nextDelimiter = openSearch(text, delimiter)
  const nextLineFeed = openSearch(text, '\n')
  const nextReturn = openSearch(text, '\r')
  const lineEnd = () => Math.min(nextLineFeed(at), nextReturn(at))

  const quotedField = (): Field | Failure | 'incomplete' => {
    const found = quotedText(text, at)
    if (!isEnd && (found === undefined || found.end === text.length)) return 'incomplete'
    return found ?? { failure: unclosed }
  }

  const quotedCell = (): Field | 'incomplete' | undefined => {
    const tab = nextDelimiter(at)
    const found = quotedText(text.slice(0, tab), at)
    if (!isEnd && tab === text.length && (found === undefined || found.end === tab)) return 'incomplete'
    const isEnclosed = found !== undefined && /^[\t\r\n]?$/.test(text.charAt(found.end))
    return isEnclosed ? found : quotedInLine(text, at, lineEnd())
  }

  const field = (): Field | Failure | 'incomplete' => {
    const isQuoted = text[at] === '"'
    if (isQuoted && delimiter !== '\t') return quotedField()
    const quoted = isQuoted ? quotedCell() : undefined
    if (quoted !== undefined) return quoted
    const end = Math.min(nextDelimiter(at), lineEnd())
    const value = text.slice(at, end)
    return delimiter !== '\t' && value.includes('"') ? { failure: withinField } : { value, end }
  }

  /** @returns false if more of the line end may follow */
  const passLineEnd = (): boolean => {
    if (text[at] === '\r' && at + 1 === text.length && !isEnd) return false
    at += text.startsWith('\r\n', at) ? 2 : 1
    return true
  }

  const record = (): Found | Failure | 'incomplete' => {
    const start = at
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
      if (!passLineEnd()) return 'incomplete'
      break
    }
    if (at - start > longestRow) return { failure: tooLong }
    return { fields, lines: 1 + fields.reduce((sum, value) => sum + breaksIn(value), 0) }
  }

  return {
    rest: () => text.slice(at),
    /** Stays in place unless there is a whole record. Undefined at the end. */
    next(): Found | Failure | 'incomplete' | undefined {
      const start = at
      if (start === text.length) return undefined
      const found = record()
      if (found === 'incomplete' || 'failure' in found) at = start
      return found === 'incomplete' && text.length - start > longestRow ? { failure: tooLong } : found
    },
    skipLine(): boolean {
      at = lineEnd()
      return at === text.length ? isEnd : passLineEnd()
    },
  }
}

/** For positions that rise, so each character is scanned once only. */
function openSearch(text: string, wanted: string): (from: number) => number {
  let since = 0
  let found = -1
  return (from) => {
    if (from < since || from > found) {
      found = text.indexOf(wanted, from)
      if (found === -1) found = text.length
    }
    since = from
    return found
  }
}

function quotedText(text: string, start: number): Field | undefined {
  let end = text.indexOf('"', start + 1)
  let isDoubled = false
  while (end !== -1 && text[end + 1] === '"') {
    isDoubled = true
    end = text.indexOf('"', end + 2)
  }
  if (end === -1) return undefined
  const value = text.slice(start + 1, end)
  return { value: isDoubled ? value.replaceAll('""', '"') : value, end: end + 1 }
}

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
