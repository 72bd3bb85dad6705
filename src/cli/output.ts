import { styleText } from 'node:util'

import type { Item } from '../client/client.ts'
import { visible } from './terminal.ts'

export function print({ json }: { json?: boolean | undefined }, result: unknown, toLines: () => string[]): void {
  console.log(json ? toJson(result) : toLines().join('\n'))
}

export function toJson(value: unknown): string {
  return visible(JSON.stringify(value))
}

export function describeItem(item: Item, version?: string): string[] {
  return fieldLines({ ...item, ...(version !== undefined && { version }) })
}

export function fieldLines(fields: object): string[] {
  return Object.entries(fields).map(
    ([name, value]) =>
      `${heading(visible(name).padEnd(16))}  ${visible(typeof value === 'string' ? value : JSON.stringify(value))}`,
  )
}

export const tableHeading = () =>
  heading(`${'ID'.padEnd(36)}  ${'CATEGORY'.padEnd(16)}  ${'PRICE'.padStart(10)}  STOCK  NAME`)

export function tableRow({ id, category, price_usd: price, in_stock: inStock, name }: Item): string {
  const stock = inStock ? 'yes  ' : 'no   '
  return `${visible(id)}  ${visible(category).padEnd(16)}  ${String(price).padStart(10)}  ${stock}  ${visible(name)}`
}

export function moment(time: Date | null): string {
  return time?.toLocaleString('sv').slice(0, 16) ?? '-'
}

export function heading(text: string): string {
  return styleText('bold', text, { stream: process.stdout })
}
