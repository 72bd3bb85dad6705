import { signal } from '@preact/signals'

export type Banner =
  | { kind: 'offline' }
  /** `isOver`: the client has stopped retrying. */
  | { kind: 'unavailable'; isOver: boolean }
  /** `until` in milliseconds since the epoch. */
  | { kind: 'throttled'; until: number }
  | { kind: 'broken'; requestId: string | undefined }

export const banner = signal<Banner | undefined>(undefined)

/** What could not be loaded, and is loaded again only on a click. */
const unloaded = new Set<object>()

/** A response shows that the service is back. An internal error stays until it is closed, an offer to load until it is taken. */
export function clearBanner(): void {
  const state = banner.peek()
  const isStillOffline = state?.kind === 'offline' && !navigator.onLine
  if (state?.kind !== 'broken' && !isStillOffline && !offersReload(state)) banner.value = undefined
}

function offersReload(state: Banner | undefined): boolean {
  return unloaded.size > 0 && (state?.kind === 'throttled' || (state?.kind === 'unavailable' && state.isOver))
}

export function closeBanner(): void {
  banner.value = undefined
}

export function noteResponse({ status, headers }: Response): void {
  if (status === 429) {
    const seconds = Number(headers.get('retry-after') ?? 1)
    banner.value = { kind: 'throttled', until: Date.now() + seconds * 1000 }
  } else if (status >= 502 && status <= 504) {
    noteUnavailable(false)
  } else if (status >= 500) {
    banner.value = { kind: 'broken', requestId: headers.get('x-request-id') ?? undefined }
  } else {
    clearBanner()
  }
}

export function noteFailure(): void {
  if (navigator.onLine) noteUnavailable(false)
  else banner.value = { kind: 'offline' }
}

/** The retries are used up. @param load what is missing on the screen, until `noteLoaded` */
export function noteGivenUp(load?: object): void {
  if (load) unloaded.add(load)
  if (banner.value?.kind === 'unavailable') noteUnavailable(true)
}

/** It is loaded, refused, or not needed anymore. */
export function noteLoaded(load: object): void {
  const wasOffered = offersReload(banner.peek())
  unloaded.delete(load)
  if (wasOffered && unloaded.size === 0) banner.value = undefined
}

export function watchConnection(onBack: () => void): void {
  addEventListener('offline', () => (banner.value = { kind: 'offline' }))
  addEventListener('online', () => {
    clearBanner()
    onBack()
  })
}

function noteUnavailable(isOver: boolean): void {
  const now = banner.value
  if (offersReload(now)) return
  if (now?.kind !== 'unavailable' || now.isOver !== isOver) banner.value = { kind: 'unavailable', isOver }
}
