import type { Format } from './copy-stream.ts'
import { shortest } from './json.ts'

const columns = ['id', 'name', 'category', 'price_usd', 'in_stock', 'store_manager_id']

/** Tells Excel that a file is UTF-8. Characters stand for bytes. */
const byteOrderMark = '\xef\xbb\xbf'

export const csv: Format = {
  start: `${columns.join()}\r\n`,
  between: '',
  end: '',
  write: (rows) => lines(rows, plain, (text) => text),
}

/** For spreadsheets, which may split a file elsewhere than at its commas: no part of a name is run as a formula. */
export const safeCsv: Format = {
  start: `${byteOrderMark}${columns.map(quoted).join()}\r\n`,
  between: '',
  end: '',
  write: (rows) => lines(rows, (name) => quoted(marked(name)), quoted),
}

function lines(rows: string, ofName: (name: string) => string, ofText: (text: string) => string): string {
  let text = ''
  let at = 0
  const nextColumn = (end: string) => rows.slice(at, (at = rows.indexOf(end, at) + 1) - 1)
  while (at < rows.length) {
    text += `${ofText(nextColumn('\t'))},${ofName(unescaped(nextColumn('\t')))},${ofText(nextColumn('\t'))}`
    text += `,${shortest(nextColumn('\t'))},${nextColumn('\t') === 't'},${ofText(nextColumn('\n'))}\r\n`
  }
  return text
}

function unescaped(text: string): string {
  return text.includes('\\') ? text.replaceAll(/\\(.)/g, (_, letter: string) => meaning[letter] ?? letter) : text
}

function plain(text: string): string {
  return /[",\r\n]/.test(text) ? quoted(text) : text
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`
}

function marked(name: string): string {
  return name.replaceAll(formulaStart, "'")
}

// A part begins the name or follows a separator. Blanks or quotes may precede what starts a formula, which may be full-width
// (U+FF0B, U+FF0D, U+FF1D, U+FF20), here in bytes. A name that begins with a separator is marked in any case.
const formulaStart = /^(?=[\t\r\n])|(?<=^|[;\t\r\n])(?=(?:[ \v\f"]|\xc2\xa0)*(?:[=+\-@]|\xef\xbc[\x8b\x8d\x9d\xa0]))/g

const meaning: Record<string, string> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }
