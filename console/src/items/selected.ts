import { effect, signal } from '@preact/signals'

import type { BulkRequest, Item } from '../api.ts'
import { canWrite } from '../session.ts'
import { filtersKey, toFilters } from './query.ts'
import { nothing, rangeOf, select, type Selectable, type Selection } from './selection.ts'
import { query, shown } from './store.ts'

export const selection = signal<Selection>(nothing)

/** Where a range begins: the row that was selected last. */
let anchor: string | undefined
let lastFilters: string | undefined

/** A hidden item must not be changed by accident, so other filters clear the selection. Pages and orders do not. */
effect(() => {
  const key = filtersKey(query.value)
  if (lastFilters !== undefined && lastFilters !== key) clearSelection()
  lastFilters = key
})

export function clearSelection(): void {
  selection.value = nothing
  anchor = undefined
}

export function selectRow(id: string, isOn: boolean, isRange: boolean): void {
  const rows = selectableRows()
  selection.value = select(selection.value, rows, rangeOf(rows, isRange ? anchor : undefined, id), isOn)
  anchor = id
}

export function selectPage(isOn: boolean): void {
  const rows = selectableRows()
  selection.value = select(selection.value, rows, rows, isOn)
}

export function selectAll(): void {
  selection.value = { ...selection.value, isAll: true }
}

/** The selected items, for the bulk change. */
export function bulkSelect(): BulkRequest['select'] {
  const { items, isAll } = selection.peek()
  return isAll ? { filters: toFilters(query.peek()) } : { ids: [...items.keys()] }
}

export function selectableRows(): Selectable[] {
  return (shown.value?.items ?? []).map(toSelectable)
}

function toSelectable({ id, store_manager_id }: Item): Selectable {
  return { id, isMine: canWrite(store_manager_id) }
}
