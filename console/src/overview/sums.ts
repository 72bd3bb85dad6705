import { money } from '../format.ts'

const whole = new Intl.NumberFormat([...navigator.languages], {
  style: 'currency',
  currency: 'USD',
  currencyDisplay: 'narrowSymbol',
  maximumFractionDigits: 0,
})
const cents = new Intl.NumberFormat([...navigator.languages], {
  style: 'currency',
  currency: 'USD',
  currencyDisplay: 'narrowSymbol',
})
const fromWhole = 10_000
const tooLong = 1e15

/** A sum of prices: large ones without cents. */
export function sum(value: number): string {
  if (value >= tooLong) return money(value)
  return (value < fromWhole ? cents : whole).format(value)
}

/** The highest price below a limit. */
export function below(limit: number): number {
  return Math.round(limit * 100 - 1) / 100
}
