import type { Item } from '../../../src/client/client.ts'

const columns = ['id', 'name', 'category', 'price_usd', 'in_stock', 'store_manager_id'] as const
const byteOrderMark = '\uFEFF'

/** What a spreadsheet runs as a formula, also one that splits a file at semicolons or tabs. */
const formulaStart = /^(?=[\t\r\n])|(?<=^|[;\t\r\n])(?=[ \v\f"\u00a0]*[=+\-@\uff0b\uff0d\uff1d\uff20])/g

/** The file that the service exports of these items with `format=csv&safe=spreadsheet`. */
export function spreadsheetOf(items: readonly Item[]): string {
  const lines = items.map((item) =>
    [
      quoted(item.id),
      quoted(item.name.replaceAll(formulaStart, "'")),
      quoted(item.category),
      item.price_usd,
      item.in_stock,
      quoted(item.store_manager_id),
    ].join(),
  )
  return byteOrderMark + [columns.map(quoted).join(), ...lines].map((line) => `${line}\r\n`).join('')
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`
}
