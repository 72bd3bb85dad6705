import { categories } from '../../database/constraints.ts'
import { nearest } from '../../http/spelling.ts'

const longestQuote = 40

export function hintOf(column: string, text: string): string | undefined {
  return hints[column]?.(text)
}

export function quoted(text: string): string {
  return JSON.stringify(text.length > longestQuote ? `${text.slice(0, longestQuote)}…` : text)
}

const hints: Record<string, (text: string) => string> = {
  id: (text) => `${quoted(text)} is not a UUID: if the column has article numbers, rename it`,
  version: (text) => `${quoted(text)} is not a version: write an integer such as 3`,
  category(text) {
    const list = categories.map((category) => `"${category}"`).join(', ')
    const meant = nearestCategory(text)
    if (text === '') return `is empty: write one of ${list}`
    return meant === undefined
      ? `${quoted(text)} is not a category: write one of ${list}`
      : `${quoted(text)} is not a category: did you mean "${meant}"?`
  },
  in_stock: (text) =>
    text === '' ? 'is empty: write true or false' : `${quoted(text)} is not a boolean: write true or false`,
  price_usd(text) {
    if (text === '') return 'is empty: write a price such as 4.99'
    if (text.startsWith('#')) return `${quoted(text)} is a spreadsheet error: fix the formula`
    if (/^[(-]/.test(text)) return `${quoted(text)} is negative: a price must be at least 0`
    const [reading, other] = readingsOf(text)
    if (reading === undefined) return `${quoted(text)} is not a number: write a price such as 4.99`
    if (other !== undefined) {
      return `${quoted(text)} may mean ${reading} or ${other}: write ${reading}, or ${other}0`
    }
    const sign = /\p{Sc}/u.exec(text)?.[0]
    return `${quoted(text)} is not a number: write ${reading}${sign === undefined ? '' : ` without the ${sign}`}`
  },
}

/** Several numbers if a single separator precedes three digits. */
function readingsOf(text: string): string[] {
  const bare = text.replaceAll(/[\p{Sc}\s'’+]|usd/giu, '')
  if (!/^[\d.,]+$/.test(bare) || !/\d/.test(bare)) return []
  const separators = bare.match(/[.,]/g) ?? []
  const last = Math.max(bare.lastIndexOf('.'), bare.lastIndexOf(','))
  const asFraction = numberOf(bare.slice(0, Math.max(last, 0)), bare.slice(last + 1))
  const asWhole = numberOf(bare, '')
  if (separators.length === 0) return [asWhole]
  if (separators.length > 1) return [new Set(separators).size === 1 ? asWhole : asFraction]
  return /^[1-9]\d{0,2}[.,]\d{3}$/.test(bare) ? [asWhole, asFraction] : [asFraction]
}

function numberOf(whole: string, fraction: string): string {
  const digits = whole.replaceAll(/[.,]/g, '').replace(/^0+(?=\d)/, '') || '0'
  return fraction === '' ? digits : `${digits}.${fraction}`
}

function nearestCategory(text: string): string | undefined {
  if (text.length < 3) return undefined
  return (
    nearest(text, categories, ({ length }) => Math.max(1, length / 3)) ??
    categories.find((category) => category.toLowerCase().startsWith(text.toLowerCase()))
  )
}
