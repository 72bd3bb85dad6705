import type { BulkRequest, Category } from '../../../src/client/client.ts'

export const priceModes = ['raise-percent', 'lower-percent', 'raise', 'lower', 'set'] as const
export type PriceMode = (typeof priceModes)[number]
/** Multiples that new prices are rounded to. */
export const roundings = [0.01, 0.05, 0.1, 0.5, 1] as const

/** The fields of the dialog, as they are entered. */
export interface BulkForm {
  field: 'price' | 'category' | 'stock'
  mode: PriceMode
  amount: string
  /** `''`: not rounded. */
  round: string
  category: Category | ''
  isInStock: boolean
}

export const emptyForm: BulkForm = {
  field: 'price',
  mode: 'raise-percent',
  amount: '',
  round: '0.01',
  category: '',
  isInStock: true,
}

type Change = Exclude<BulkRequest['change'], 'delete'>

/** @returns the change by the names of the API; undefined as long as a field is empty or invalid */
export function toChange(form: BulkForm, parse: (text: string) => number | undefined): Change | undefined {
  if (form.field === 'stock') return { set: { in_stock: form.isInStock } }
  if (form.field === 'category') return form.category === '' ? undefined : { set: { category: form.category } }
  const amount = parse(form.amount.replace('%', ''))
  if (amount === undefined || (form.mode === 'lower-percent' && amount > 100)) return undefined
  if (form.mode === 'set') return { set: { price_usd: amount } }
  const round = form.round === '' ? {} : { round: Number(form.round) }
  const signed = form.mode.startsWith('lower') ? 0 - amount : amount
  return { price: form.mode.endsWith('percent') ? { percent: signed, ...round } : { add: signed, ...round } }
}
