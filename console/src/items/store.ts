import { batch, computed, effect, signal } from '@preact/signals'

import { client, type Item, type Page, StockroomError, versionOf } from '../api.ts'
import { isAborted } from '../explain.ts'
import { go, hrefOf, place, type PlaceState } from '../route.ts'
import { createPages } from './pages.ts'
import { type ItemsQuery, parseQuery, toListQuery, toSearch } from './query.ts'

export const query = computed(() => parseQuery(place.value.search))

interface ShownPage extends Page {
  /** The query that it is the result of. */
  key: string
  /** Differs after each load. */
  loaded: number
}

/** The page on the screen: that of the former query while the next one loads. */
export const shown = signal<ShownPage | undefined>(undefined)
/** Incremented to load the list again. */
export const writes = signal(0)
/** Incremented to count again. */
export const counted = signal(0)

/** Items that others have changed since the page was loaded, with their latest versions. */
export const changedItems = signal<ReadonlyMap<string, number>>(new Map())

/** The greatest version of items that this page has written or read on its own. */
const known = new Map<string, number>()

const pages = createPages()
let loads = 0
/** Rows that had the focus make place for those of another page. */
let isFocusInRows = false

/** Loads the page of a query, from the cache if nothing was written since. */
export async function loadPage(wanted: ItemsQuery, abort: AbortSignal): Promise<void> {
  const page = await fetchPage(wanted, abort)
  if (!abort.aborted) show(page, toSearch(wanted))
}

// A page that was fetched before appears in the same frame as its address, not after a frame of outdated rows.
effect(() => {
  const key = toSearch(query.value)
  const page = pages.cached(key)
  if (page !== undefined) show(page, key)
})

function show(page: Page, key: string): void {
  const before = shown.peek()
  if (before?.key === key && before.items === page.items) return
  shown.value = { ...page, key, loaded: ++loads }
  if (isFocusInRows) requestAnimationFrame(() => document.querySelector<HTMLElement>('tbody a')?.focus())
  isFocusInRows = false
}

/** Fetches the page of the address before it is shown. */
export function prefetchList(abort: AbortSignal): void {
  // A failure is reported when the page is shown.
  void fetchPage(query.peek(), abort).catch(() => {})
}

/** Fetches the next page while the browser is idle. */
export function prefetchNext(): void {
  const page = shown.peek()
  if (page?.next === undefined) return
  const next = { ...parseQuery(page.key), after: page.next }
  // A failure is reported when the page is wanted.
  void fetchPage(next).catch(() => {})
}

async function fetchPage(wanted: ItemsQuery, abort?: AbortSignal): Promise<Page> {
  const load = () => client.items.list(toListQuery(wanted), { signal: abort })
  try {
    return await pages.fetch(toSearch(wanted), load)
  } catch (error) {
    // Another screen that waited for the same page was closed.
    if (isAborted(error) && abort?.aborted === false) return load()
    throw error
  }
}

/** Shows the result of a write in its row, which stays where it is until the list is loaded again. */
export function showSaved(saved: Item, before: Item): Item {
  const item = withVersion(saved, before)
  batch(() => {
    pages.forget()
    ownWrite(item)
    replaceRow(item)
    counted.value++
  })
  return item
}

/** Notes a version that this page knows, so that it is no news when the feed reports it. */
export function ownWrite({ id, version = 0 }: Item): void {
  known.set(id, Math.max(version, known.get(id) ?? 0))
  const news = new Map(changedItems.peek())
  if ((news.get(id) ?? Infinity) <= version && news.delete(id)) changedItems.value = news
}

export function isKnown(id: string, version: number): boolean {
  const row = shown.peek()?.items.find((item) => item.id === id)
  return version <= Math.max(known.get(id) ?? 0, row?.version ?? 0)
}

/** Shows other values in a row, without a request. */
export function replaceRow(item: Item): void {
  const page = shown.peek()
  if (page === undefined) return
  shown.value = { ...page, items: page.items.map((each) => (each.id === item.id ? item : each)) }
}

/** Loads the list again after a write that may add, remove, or reorder rows. */
export function reloadList(): void {
  pages.forget()
  writes.value++
}

/** The item with its version and owner, which responses to writes do not contain. */
export function withVersion(item: Item, before?: Item): Item {
  const [, version] = /"(\d+)/.exec(versionOf(item) ?? '') ?? []
  const owner = item.store_manager ?? before?.store_manager
  return {
    ...item,
    ...(owner !== undefined && { store_manager: owner }),
    ...(version !== undefined && { version: Number(version) }),
  }
}

/** For `If-Match`. */
export function tagOf({ version }: Item): string | undefined {
  return version === undefined ? undefined : `"${version}"`
}

/** The latest values, if the item exists. */
export async function readItem(id: string, abort?: AbortSignal): Promise<Item | undefined> {
  try {
    return withVersion(await client.items.get(id, { expand: ['store_manager', 'dates'], signal: abort }))
  } catch (error) {
    if (error instanceof StockroomError && error.code === 'item_not_found') return undefined
    throw error
  }
}

/** Shows another part of the list. A change of the filters or the order begins at its first page. */
export function changeQuery(changes: Partial<ItemsQuery>, { replace = false } = {}): void {
  const next = { ...query.peek(), after: undefined, ...changes }
  go(listHref(next), { replace })
}

export function goToPage(after: string | undefined, state: PlaceState): void {
  isFocusInRows = document.activeElement?.closest('tbody') !== null
  go(listHref({ ...query.peek(), after }), { state })
  scrollTo(0, 0)
}

export function listHref(wanted: ItemsQuery): string {
  return hrefOf('items', toSearch(wanted))
}

/** The item over the list as it is. */
export function itemHref(id: string): string {
  return hrefOf(`items/${id}`, toSearch(query.value))
}
