/** The browser's languages order the formats of numbers and dates; words have their own catalog. */
const languages: readonly string[] = navigator.languages

export interface Formats {
  money: (value: number) => string
  /** A price as it is edited: digits and a decimal sign. */
  plainPrice: (value: number) => string
  /** The price in a text such as `1.234,50`, `$4.99`, or `4,99`; undefined if it is none. */
  parsePrice: (text: string) => number | undefined
  count: (value: number) => string
  percent: (value: number) => string
  date: (iso: string) => string
  dateTime: (iso: string) => string
  /** `5 minutes ago`, within a day; the date otherwise. */
  timeAgo: (iso: string, now?: number) => string
}

const fractions = { minimumFractionDigits: 2, maximumFractionDigits: 20 } as const

/** Other numbers would be rounded to zero, or longer than a line. */
const isPlain = (value: number) => value === 0 || (value >= 1e-15 && value < 1e15)

export function formatsOf(locales: readonly string[]): Formats {
  const list = [...locales]
  const currency = { style: 'currency', currency: 'USD', currencyDisplay: 'narrowSymbol' } as const
  const money = new Intl.NumberFormat(list, { ...currency, ...fractions })
  const largeMoney = new Intl.NumberFormat(list, { ...currency, notation: 'scientific', maximumFractionDigits: 15 })
  const plain = new Intl.NumberFormat(list, { useGrouping: false, numberingSystem: 'latn', ...fractions })
  const counts = new Intl.NumberFormat(list)
  const percents = new Intl.NumberFormat(list, { style: 'percent', maximumFractionDigits: 1 })
  const dates = new Intl.DateTimeFormat(list, { dateStyle: 'medium' })
  const times = new Intl.DateTimeFormat(list, { dateStyle: 'medium', timeStyle: 'short' })
  const relative = new Intl.RelativeTimeFormat(list, { numeric: 'auto' })
  const signs = new Intl.NumberFormat(list, { numberingSystem: 'latn', minimumFractionDigits: 1 }).formatToParts(
    1234567,
  )
  const group = signs.find(({ type }) => type === 'group')?.value ?? ''

  return {
    money: (value) => (isPlain(value) ? money : largeMoney).format(value),
    plainPrice(value) {
      const digits = plain.format(value)
      return readPrice(digits, group) === value ? digits : String(value)
    },
    parsePrice: (text) => readPrice(text, group),
    count: (value) => counts.format(value),
    percent: (value) => percents.format(value),
    date: (iso) => dates.format(new Date(iso)),
    dateTime: (iso) => times.format(new Date(iso)),
    timeAgo(iso, now = Date.now()) {
      const minutes = Math.round((now - Date.parse(iso)) / 60_000)
      if (minutes < 1) return relative.format(0, 'second')
      if (minutes < 60) return relative.format(-minutes, 'minute')
      if (minutes < 24 * 60) return relative.format(-Math.round(minutes / 60), 'hour')
      return dates.format(new Date(iso))
    },
  }
}

export const { money, plainPrice, parsePrice, count, percent, date, dateTime, timeAgo } = formatsOf(languages)

const currencies = /US\s?\$|\$\s?US|USD|\$/gi
const otherDigits = /[\u0660-\u0669\u06f0-\u06f9]/g
const grouped = /^\d{1,3}(?:([.,])\d{3})(?:\1\d{3})*$/

function readPrice(given: string, groupSign: string): number | undefined {
  const text = given
    .replaceAll(currencies, '')
    .replaceAll(otherDigits, (digit) => String(digit.charCodeAt(0) & 0xf))
    .replaceAll('\u066b', '.')
    .replaceAll(/[\s'’\u066c]/g, '')
  if (/^\d+(?:\.\d+)?e[+-]?\d+$/i.test(text)) return finite(Number(text))
  if (!/^(?:\d[\d.,]*|[.,]\d+)$/.test(text)) return undefined
  const signs = [...text.matchAll(/[.,]/g)]
  const last = signs.at(-1)
  if (last === undefined) return finite(Number(text))
  const isOneKind = signs.every(([sign]) => sign === last[0])
  // A single sign before three digits is a decimal one, unless the manager's language groups with it.
  const isGrouping =
    isOneKind && grouped.test(text) && (signs.length > 1 || (last[0] === groupSign && !text.startsWith('0')))
  if (isGrouping) return finite(Number(text.replaceAll(/[.,]/g, '')))
  const whole = text.slice(0, last.index)
  if (/[.,]/.test(whole) && (isOneKind || !grouped.test(whole))) return undefined
  return finite(Number(`${whole.replaceAll(/[.,]/g, '')}.${text.slice(last.index + 1)}`))
}

/** Not `-0`, not a number that a float cannot hold. */
function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined
}
