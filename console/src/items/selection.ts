/** What the selection must know of an item. */
export interface Selectable {
  id: string
  isMine: boolean
}

/** Items by their IDs, or all that match the filters. */
export interface Selection {
  /** By ID, whether the manager may change it. */
  items: ReadonlyMap<string, boolean>
  /** All that match, on every page. */
  isAll: boolean
}

export const nothing: Selection = { items: new Map(), isAll: false }

export function isSelected({ items, isAll }: Selection, id: string): boolean {
  return isAll || items.has(id)
}

export function isEmpty({ items, isAll }: Selection): boolean {
  return !isAll && items.size === 0
}

/** Selects items or not. If all that match were selected, the selection becomes that of the page. */
export function select(
  selection: Selection,
  page: readonly Selectable[],
  changed: readonly Selectable[],
  isOn: boolean,
) {
  const items = new Map(selection.isAll ? page.map(({ id, isMine }) => [id, isMine]) : selection.items)
  for (const { id, isMine } of changed) {
    if (isOn) items.set(id, isMine)
    else items.delete(id)
  }
  return { items, isAll: selection.isAll && isOn }
}

/** The rows from one to another, in either direction; the second alone if the first is on another page. */
export function rangeOf<T extends Selectable>(page: readonly T[], from: string | undefined, to: string): T[] {
  const end = page.findIndex(({ id }) => id === to)
  const start = page.findIndex(({ id }) => id === from)
  return start === -1 ? page.slice(end, end + 1) : page.slice(Math.min(start, end), Math.max(start, end) + 1)
}

/** For the checkbox of the page. */
export function pageState(selection: Selection, page: readonly Selectable[]): 'none' | 'some' | 'all' {
  const selected = page.filter(({ id }) => isSelected(selection, id)).length
  if (selected === 0) return 'none'
  return selected === page.length ? 'all' : 'some'
}

export function countMine({ items }: Selection): number {
  return [...items.values()].filter(Boolean).length
}
