import { computed, signal } from '@preact/signals'

import { discardDrafts, hasDrafts } from './drafts.ts'
import { parsePath } from './paths.ts'
import { text } from './text/text.ts'
import { confirm } from './ui/confirm.ts'

/** The state of a history entry. */
export interface PlaceState {
  /** The `after` of the pages before this one, `''` for the first. */
  trail?: string[]
  /** Put the focus into the search field. */
  focus?: 'search'
  /** The entry before this one is the same list, without an item over it. */
  isOver?: boolean
}

export interface Place {
  /** Below the base, without a leading slash. */
  path: string
  search: string
  state: PlaceState
}

/** The path of the console, with a slash at the end; it has a prefix behind some proxies. */
export const base = new URL(document.documentElement.dataset['base'] ?? './', location.href).pathname

export const place = signal<Place>(readPlace())
export const route = computed(() => parsePath(place.value.path))
/** Whether the current screen was reached by a link, so that its heading takes the focus. */
export const isNavigated = signal(false)

export function hrefOf(path: string, query: string | URLSearchParams = ''): string {
  const search = String(query)
  return base + path + (search === '' ? '' : `?${search}`)
}

interface GoOptions {
  /** Takes the place of the current history entry. */
  replace?: boolean
  /** Goes back to the entry before, which has this address. */
  back?: boolean
  state?: PlaceState
}

/** Goes to an address of the console. */
export function go(href: string, options: GoOptions = {}): void {
  if (hasDrafts()) {
    void askToLeave().then((isConfirmed) => isConfirmed && go(href, options))
    return
  }
  if (options.back === true) {
    history.back()
    return
  }
  const from = route.value.screen
  const state = options.state ?? keptState(new URL(href, location.href))
  if (options.replace === true) history.replaceState(state, '', href)
  else history.pushState(state, '', href)
  place.value = readPlace()
  if (route.value.screen !== from) {
    isNavigated.value = true
    scrollTo(0, 0)
  }
}

/** The pages before a list are known while an item is shown over it. */
function keptState({ pathname, search }: URL): PlaceState {
  const { path, search: current, state } = place.peek()
  const isOver = search === current && path === 'items' && pathname.startsWith(`${base}items/`)
  return isOver ? { ...state, isOver } : {}
}

/** Makes links and the buttons of the browser change the place. */
export function followLinks(): void {
  addEventListener('popstate', () => {
    const from = route.value.screen
    place.value = readPlace()
    if (route.value.screen !== from) isNavigated.value = true
  })
  document.addEventListener('click', (event) => {
    const href = linkOf(event)
    if (href === undefined) return
    event.preventDefault()
    go(href)
  })
}

/** The buttons of the browser ask before unsaved input is lost, too, where they can be canceled. */
export function guardTraversal(): void {
  if (!('navigation' in globalThis)) return
  navigation.addEventListener('navigate', (event) => {
    if (event.navigationType !== 'traverse' || !event.cancelable || !hasDrafts()) return
    event.preventDefault()
    const { key } = event.destination
    void askToLeave().then((isConfirmed) => isConfirmed && navigation.traverseTo(key))
  })
}

/** Asks before unsaved input is lost. @returns whether to leave */
export async function askToLeave(): Promise<boolean> {
  if (!hasDrafts()) return true
  const { unsaved, discard } = text.shell
  const isConfirmed = await confirm({ title: unsaved, action: discard, isDanger: true })
  if (isConfirmed) discardDrafts()
  return isConfirmed
}

/** The address of a link of the console that was clicked, unless the browser must open it itself. */
function linkOf(event: MouseEvent): string | undefined {
  if (event.defaultPrevented || event.button !== 0) return undefined
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return undefined
  const link = event.target instanceof Element ? event.target.closest('a') : null
  if (link === null || link.target !== '' || link.hasAttribute('download') || link.hash !== '') return undefined
  return link.origin === location.origin && link.pathname.startsWith(base) ? link.href : undefined
}

function readPlace(): Place {
  const { pathname, search } = location
  const state: PlaceState = history.state ?? {}
  return { path: pathname.startsWith(base) ? pathname.slice(base.length) : '', search, state }
}
