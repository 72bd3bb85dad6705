import { go, place } from '../route.ts'
import { listHref, query } from './store.ts'

/** Shows the list without an item. Unsaved input is asked about once. */
export function closeDrawer(): void {
  go(listHref(query.peek()), { back: place.peek().state.isOver === true, state: place.peek().state })
}

/** The row of an item, for the focus after its drawer is closed. */
export function rowLink(id: string): HTMLElement | null {
  return document.querySelector<HTMLElement>(`tr[data-id="${id}"] .cell-name a`) ?? document.querySelector('h1')
}
