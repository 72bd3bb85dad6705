import { styleText } from 'node:util'

import type { Item } from '../client/client.ts'

/** Prints a result: as JSON on a line if it is for a machine, else in words. */
export function print({ json }: { json?: boolean | undefined }, result: unknown, inWords: () => string[]): void {
  console.log(json ? JSON.stringify(result) : inWords().join('\n'))
}

/** The lines of one item, with its version if that is known. */
export function describeItem(item: Item, version?: string): string[] {
  const lines = Object.entries({ ...item, ...(version !== undefined && { version }) })
  return lines.map(
    ([name, value]) =>
      `${heading(name.padEnd(16))}  ${visible(typeof value === 'string' ? value : JSON.stringify(value))}`,
  )
}

/** The names go last, for they may be of any width. */
export const tableHeading = () =>
  heading(`${'ID'.padEnd(36)}  ${'CATEGORY'.padEnd(16)}  ${'PRICE'.padStart(10)}  STOCK  NAME`)

export function tableRow({ id, category, price_usd: price, in_stock: inStock, name }: Item): string {
  const stock = inStock ? 'yes  ' : 'no   '
  return `${id}  ${category.padEnd(16)}  ${String(price).padStart(10)}  ${stock}  ${visible(name)}`
}

/** Names come from others: what could move the cursor, colour the screen or turn the text around is shown as its code. */
export function visible(text: string): string {
  return text.replaceAll(
    /[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function heading(text: string): string {
  return styleText('bold', text, { stream: process.stdout })
}
