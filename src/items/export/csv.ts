import { shortest } from '../listing/json.ts'
import type { Format } from '../listing/stream.ts'

const header = 'id,name,category,price_usd,in_stock,store_manager_id\r\n'

/** RFC 4180. @param isSafe whether names that a spreadsheet would run as formulas get an apostrophe before them */
export function csv(isSafe: boolean): Format {
  return { start: header, between: '', end: '', write: (rows) => lines(rows, isSafe) }
}

function lines(rows: string, isSafe: boolean): string {
  let [text, at] = ['', 0]
  const columnUpTo = (end: string) => rows.slice(at, (at = rows.indexOf(end, at) + 1) - 1)
  while (at < rows.length) {
    text += `${columnUpTo('\t')},${field(columnUpTo('\t'), isSafe)},${columnUpTo('\t')}`
    text += `,${shortest(columnUpTo('\t'))},${columnUpTo('\t') === 't'},${columnUpTo('\n')}\r\n`
  }
  return text
}

function field(escaped: string, isSafe: boolean): string {
  let name = escaped.includes('\\')
    ? escaped.replaceAll(/\\(.)/g, (_, letter: string) => meaning[letter] ?? letter)
    : escaped
  if (isSafe && /^[=+\-@\t\r]/.test(name)) name = `'${name}`
  return /[",\r\n]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name
}

/** What the letters after a backslash stand for in COPY's text format; any other stands for itself. */
const meaning: Record<string, string> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }
