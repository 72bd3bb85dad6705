import type { Item } from '../api.ts'
import { canWrite } from '../session.ts'
import { useKeys } from '../use-keys.ts'
import { openBulk } from './bulk-state.ts'
import { deleteItem } from './delete-item.ts'
import { editing } from './price.ts'
import { selection, selectRow } from './selected.ts'
import { isSelected } from './selection.ts'
import { reloadList, shown } from './store.ts'

/** The keys of the row that has the focus. */
export function useTableKeys(): void {
  useKeys({
    ArrowDown: () => moveFocus(1),
    ArrowUp: () => moveFocus(-1),
    j: () => moveFocus(1),
    k: () => moveFocus(-1),
    e: () =>
      onRow((item) => {
        if (canWrite(item.store_manager_id)) editing.value = item.id
      }),
    x: () => onRow((item) => toggle(item, false)),
    'Shift+x': () => onRow((item) => toggle(item, true)),
    Delete: () => onRow(remove),
  })
}

function toggle({ id }: Item, isRange: boolean): void {
  selectRow(id, isRange || !isSelected(selection.peek(), id), isRange)
}

/** The selection if the row is part of it, otherwise the item of the row. */
function remove(item: Item): void {
  if (isSelected(selection.peek(), item.id)) openBulk('delete')
  else if (canWrite(item.store_manager_id)) void deleteItem(item, reloadList)
}

function onRow(act: (item: Item) => void): boolean {
  const id = focusedRow()?.dataset['id']
  const item = shown.peek()?.items.find((each) => each.id === id)
  if (item === undefined) return false
  act(item)
  return true
}

/** Moves to the same column of another row. */
function moveFocus(step: 1 | -1): boolean {
  const row = focusedRow()
  const target = step === 1 ? row?.nextElementSibling : row?.previousElementSibling
  if (!row || !target) return row !== undefined
  const column = [...row.children].findIndex((cell) => cell.contains(document.activeElement))
  const control = target.children[column]?.querySelector<HTMLElement>('a, button, input')
  const focused = control ?? target.querySelector<HTMLElement>('a')
  focused?.focus()
  return true
}

function focusedRow(): HTMLElement | undefined {
  return document.activeElement?.closest<HTMLElement>('tr[data-id]') ?? undefined
}
