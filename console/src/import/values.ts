import type { Category } from '../../../src/client/client.ts'
import { categories } from '../items/query.ts'
import { normalized } from './columns.ts'

export type DecimalSign = '.' | ','

const german: Record<string, Category> = {
  lebensmittel: 'Grocery',
  haushalt: 'Household',
  haushaltswaren: 'Household',
  elektronik: 'Electronics',
  elektro: 'Electronics',
  schreibwaren: 'Stationery',
  büro: 'Stationery',
  bürobedarf: 'Stationery',
  körperpflege: 'Personal Care',
  drogerie: 'Personal Care',
  kosmetik: 'Personal Care',
  kleidung: 'Apparel',
  bekleidung: 'Apparel',
  textilien: 'Apparel',
  heimwerken: 'Home Improvement',
  heimwerker: 'Home Improvement',
  heimwerkerbedarf: 'Home Improvement',
  baumarkt: 'Home Improvement',
  haustier: 'Pet',
  haustiere: 'Pet',
  haustierbedarf: 'Pet',
  tierbedarf: 'Pet',
  tiere: 'Pet',
}
const byName = new Map<string, Category>(categories.map((category) => [normalized(category), category]))
const byMeaning = new Map([...byName, ...Object.entries(german)])

const stockWords = new Map([
  ...words('true yes y wahr ja j x vorhanden verfügbar lieferbar vorrätig lagernd available', true),
  ...words('false no n falsch nein ausverkauft vergriffen unavailable', false),
  ...phrases('in stock|auf lager|an lager', true),
  ...phrases(
    'sold out|out of stock|not available|nicht verfügbar|nicht lieferbar|nicht vorrätig|nicht auf lager',
    false,
  ),
])

/** The category that a value is, without any doubt. */
export function readCategory(text: string): Category | undefined {
  return byName.get(normalized(text))
}

/** The category that a value probably means: `Pets`, `Lebensmittel`. */
export function guessCategory(text: string): Category | undefined {
  const word = normalized(text)
  const known = byMeaning.get(word)
  if (known) return known
  return categories.find((category) => {
    const name = normalized(category)
    const shared = sharedStart(word, name)
    return shared >= 3 && shared >= 0.7 * Math.min(word.length, name.length)
  })
}

/** Words in English and German, and numbers of pieces. */
export function readStock(text: string): boolean | undefined {
  const word = normalized(text)
  return stockWords.get(word) ?? (/^\d+$/.test(text.trim()) ? Number(text) > 0 : undefined)
}

const thousands = { '.': /^[1-9]\d{0,2}(?:\.\d{3})+$/, ',': /^[1-9]\d{0,2}(?:,\d{3})+$/ }
const grouped = { '.': /^[1-9]\d{0,2}(?:,\d{3})+\.\d+$/, ',': /^[1-9]\d{0,2}(?:\.\d{3})+,\d+$/ }

/**
 * The price as a decimal number of JSON; undefined if it is no number. The sign decides only what could be read in two ways:
 * `1.299`, `1,299`.
 */
export function readPrice(text: string, sign: DecimalSign): string | undefined {
  const bare = bareNumber(text)
  const [, minus = '', digits = '', exponent = ''] = /^([+-]?)([\d.,]*\d[\d.,]*)(e[+-]?\d+)?$/i.exec(bare) ?? []
  const number = digits === '' ? undefined : readDigits(digits, sign)
  return number === undefined ? undefined : `${minus === '-' ? '-' : ''}${number}${exponent}`
}

/** The decimal sign that a price shows; undefined if it has none, or could be read in two ways. */
export function decimalSignIn(text: string): DecimalSign | undefined {
  const bare = bareNumber(text)
  if (!/^-?[\d.,]*\d$/.test(bare) || !/[.,]/.test(bare)) return undefined
  const withPoint = readPrice(text, '.')
  if (withPoint === undefined || withPoint !== readPrice(text, ',')) return undefined
  if (!withPoint.includes('.')) return undefined
  return bare.lastIndexOf(',') > bare.lastIndexOf('.') ? ',' : '.'
}

function bareNumber(text: string): string {
  if (/^\d+(?:\.\d+)?$/.test(text)) return text
  const bare = text.replaceAll(/US\$|\$|USD|[\s'’]/gi, '')
  // Prices without cents: 5,- and 5.–
  return bare.replace(/(\d)[.,][-–—]+$/, '$1')
}

function readDigits(digits: string, sign: DecimalSign): string | undefined {
  if (/^\d+$/.test(digits)) return withoutZeros(digits)
  if (sign === ',' && thousands['.'].test(digits)) return digits.replaceAll('.', '')
  if (sign === '.' && thousands[','].test(digits)) return digits.replaceAll(',', '')
  const separators = digits.match(/[.,]/g) ?? []
  if (separators.length === 1) {
    const [whole = '', fraction = ''] = digits.split(/[.,]/)
    return fraction === '' ? undefined : `${withoutZeros(whole)}.${fraction}`
  }
  if (thousands['.'].test(digits) || thousands[','].test(digits)) return digits.replaceAll(/[.,]/g, '')
  if (grouped['.'].test(digits)) return digits.replaceAll(',', '')
  if (grouped[','].test(digits)) return digits.replaceAll('.', '').replace(',', '.')
  return undefined
}

function withoutZeros(digits: string): string {
  return digits.replace(/^0+(?=\d)/, '') || '0'
}

function sharedStart(one: string, other: string): number {
  let length = 0
  while (length < one.length && one[length] === other[length]) length++
  return length
}

function words(list: string, meaning: boolean): [string, boolean][] {
  return list.split(' ').map((word) => [word, meaning])
}

function phrases(list: string, meaning: boolean): [string, boolean][] {
  return list.split('|').map((phrase) => [phrase, meaning])
}
