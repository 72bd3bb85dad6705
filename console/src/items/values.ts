import type { ItemChange } from '../api.ts'
import { money } from '../format.ts'
import { text } from '../text/text.ts'
import { categories } from './query.ts'

type Field = keyof ItemChange['fields']

/** A value of the history in words. */
export function valueText(field: Field, value: string | number | boolean | null | undefined): string {
  const { items: words } = text
  if (value === null || value === undefined) return '–'
  if (typeof value === 'number') return money(value)
  if (typeof value === 'boolean') return value ? words.inStock : words.soldOut
  const category = field === 'category' ? categories.find((each) => each === value) : undefined
  return category === undefined ? value : words.categories[category]
}
