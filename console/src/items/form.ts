import type { Category, Item, ItemCreate } from '../../../src/client/client.ts'

/** An item as it is edited. */
export interface ItemForm {
  name: string
  category: Category | ''
  /** As it is typed. */
  price: string
  isInStock: boolean
}

export type FormField = keyof ItemCreate
export const formFields = ['name', 'category', 'price_usd', 'in_stock'] as const satisfies FormField[]
export const longestName = 64

export const emptyItem: ItemForm = { name: '', category: '', price: '', isInStock: true }

export function toForm(
  { name, category, price_usd, in_stock }: ItemCreate,
  plain: (price: number) => string,
): ItemForm {
  return { name, category, price: plain(price_usd), isInStock: in_stock }
}

/** In code points, as the service counts. */
export function lengthOf(name: string): number {
  return Array.from(name).length
}

/** What each field holds; undefined where it is missing or invalid. */
export function readForm(
  { name, category, price, isInStock }: ItemForm,
  parse: (text: string) => number | undefined,
): Partial<ItemCreate> & { in_stock: boolean } {
  const trimmed = name.trim()
  const amount = parse(price)
  return {
    ...(trimmed !== '' && lengthOf(trimmed) <= longestName && { name: trimmed }),
    ...(category !== '' && { category }),
    ...(amount !== undefined && { price_usd: amount }),
    in_stock: isInStock,
  }
}

export function isComplete(values: Partial<ItemCreate>): values is ItemCreate {
  return formFields.every((field) => values[field] !== undefined)
}

/** The fields that differ from the item as it was loaded. */
export function changesOf(values: Partial<ItemCreate>, base: ItemCreate): Partial<ItemCreate> {
  return Object.fromEntries(
    formFields
      .filter((field) => field in values && values[field] !== base[field])
      .map((field) => [field, values[field]]),
  )
}

/** The fields to which the manager and someone else gave different values since `base` was loaded. */
export function conflictsOf(changes: Partial<ItemCreate>, base: Item, latest: Item): FormField[] {
  return formFields.filter(
    (field) => field in changes && latest[field] !== base[field] && latest[field] !== changes[field],
  )
}
