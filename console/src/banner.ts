import { signal } from '@preact/signals'

export type Banner =
  | { kind: 'offline' }
  /** `isOver`: the client has stopped retrying. */
  | { kind: 'unavailable'; isOver: boolean }
  /** `until` in milliseconds since the epoch. */
  | { kind: 'throttled'; until: number }
  | { kind: 'broken'; requestId: string | undefined }

export const banner = signal<Banner | undefined>(undefined)

/** A response shows that the service is back; an internal error stays until it is closed. */
export function clearBanner(): void {
  const kind = banner.peek()?.kind
  const isStillOffline = kind === 'offline' && !navigator.onLine
  if (kind !== 'broken' && !isStillOffline) banner.value = undefined
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

/** The retries are used up. */
export function noteGivenUp(): void {
  if (banner.value?.kind === 'unavailable') noteUnavailable(true)
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
  if (now?.kind !== 'unavailable' || now.isOver !== isOver) banner.value = { kind: 'unavailable', isOver }
}
