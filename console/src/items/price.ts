import { signal } from '@preact/signals'

import { client, type Item, StockroomError } from '../api.ts'
import { explain } from '../explain.ts'
import { money } from '../format.ts'
import { canWrite } from '../session.ts'
import { text } from '../text/text.ts'
import { toast } from '../ui/toasts.tsx'
import { lastEditor } from './history.ts'
import { ownWrite, readItem, replaceRow, showSaved, shown, tagOf } from './store.ts'

/** What a price in the list has to say about its last change. */
export type PriceNote =
  | { kind: 'error'; message: string; mine: number }
  | { kind: 'conflict'; theirs: number; mine: number; by: string | undefined }

/** The item whose price is being edited in the list. */
export const editing = signal<string | undefined>(undefined)
export const notes = signal<ReadonlyMap<string, PriceNote>>(new Map())

export function setNote(id: string, note: PriceNote | undefined): void {
  const next = new Map(notes.peek())
  if (note === undefined) next.delete(id)
  else next.set(id, note)
  notes.value = next
}

/** The next row below whose price the manager may change. */
export function nextEditable(id: string): string | undefined {
  const rows = shown.peek()?.items ?? []
  const start = rows.findIndex((each) => each.id === id)
  return rows.slice(start + 1).find(({ store_manager_id }) => canWrite(store_manager_id))?.id
}

/** Shows the price immediately, and reverts it with a reason if the service refuses it. */
export async function savePrice(item: Item, price: number): Promise<void> {
  setNote(item.id, undefined)
  if (price === item.price_usd) return
  replaceRow({ ...item, price_usd: price })
  try {
    const saved = await update(item, price)
    toast(text.items.savedPrice(item.name, money(price)), { undo: () => undo(saved, item.price_usd) })
  } catch (error) {
    await explainFailure(item, price, error)
  }
}

async function undo(saved: Item, price: number): Promise<void> {
  await update(saved, price)
}

/** @returns the item as it was saved, with its new version */
async function update(item: Item, price: number): Promise<Item> {
  try {
    return showSaved(await client.items.update(item.id, { price_usd: price }, { ifMatch: tagOf(item) }), item)
  } catch (error) {
    const latest = isConflict(error) ? await readItem(item.id) : undefined
    // Another field has changed, which this change leaves as it is.
    if (latest === undefined || latest.price_usd !== item.price_usd) throw error
    return showSaved(await client.items.update(item.id, { price_usd: price }, { ifMatch: tagOf(latest) }), latest)
  }
}

async function explainFailure(item: Item, mine: number, error: unknown): Promise<void> {
  replaceRow(item)
  if (!isConflict(error)) {
    setNote(item.id, { kind: 'error', message: explain(error), mine })
    return
  }
  const latest = await readItem(item.id).catch(() => undefined)
  if (latest === undefined) {
    setNote(item.id, { kind: 'error', message: explain(error), mine })
    return
  }
  replaceRow(latest)
  ownWrite(latest)
  const by = await lastEditor(item.id).catch(() => undefined)
  setNote(item.id, { kind: 'conflict', theirs: latest.price_usd, mine, by })
}

export function isConflict(error: unknown): boolean {
  return error instanceof StockroomError && error.code === 'precondition_failed'
}
