import { spreadsheetOf } from './spreadsheet.ts'
import { readItem } from './store.ts'

const parallel = 6

/** Lets the browser save a file of items with their latest values, in this order. Those that are deleted are left out. */
export async function saveItems(ids: readonly string[]): Promise<void> {
  const items = new Map<string, Awaited<ReturnType<typeof readItem>>>()
  const waiting = [...ids]
  const read = async () => {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) items.set(id, await readItem(id))
  }
  await Promise.all(Array.from({ length: parallel }, read))
  const found = ids.flatMap((id) => items.get(id) ?? [])
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([spreadsheetOf(found)], { type: 'text/csv' }))
  link.download = `items-${new Date().toISOString().slice(0, 10)}.csv`
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}
