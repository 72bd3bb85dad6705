import { signal } from '@preact/signals'

import { hasDrafts } from './drafts.ts'
import { go, hrefOf, base, place, route } from './route.ts'
import { readStored, store } from './storage.ts'

export interface Manager {
  id: string
  name: string
  email: string
}

/** What `GET /console/session` returns. */
export interface Session {
  /** Null if no manager is signed in. */
  manager: Manager | null
  expires_at: string | null
  registration: 'open' | 'closed'
  item_writes: 'owner' | 'shared'
  require_if_match: boolean
  /** Bytes. */
  import_limit: number
}

/** A refused sign-in, with the code of the API. */
export class SignInError extends Error {
  override name = 'SignInError'
  readonly status: number
  readonly code: string | undefined
  /** Seconds after which to retry. */
  readonly retryAfter: number | undefined

  constructor(status: number, code: string | undefined, retryAfter: number | undefined) {
    super(`The sign-in was refused with ${status}.`)
    this.status = status
    this.code = code
    this.retryAfter = retryAfter
  }
}

export const session = signal<Session | undefined>(undefined)
/** The session ended while the manager works: "Sign in again" is shown above everything. */
export const isOver = signal(false)
/** Incremented when data on the screen may be that of another time, and is loaded again. */
export const refreshes = signal(0)

const url = `${base}session`
const channel = new BroadcastChannel(`stockroom ${base}`)
const signedInKey = `stockroom-signed-in ${base}`
let waiting: (() => void)[] = []
/** Of the request that the page began with, until it is used. */
let first: Promise<Response> | undefined

/** The signed-in manager. Screens other than sign-in are shown only if there is one. */
export function me(): Manager {
  const manager = session.value?.manager
  if (!manager) throw new Error('No manager is signed in.')
  return manager
}

export function canWrite(ownerId: string): boolean {
  return session.value?.item_writes === 'shared' || ownerId === session.value?.manager?.id
}

/** Begins before there is a screen that could show a failure. */
export function requestSession(): void {
  first = fetch(url, { cache: 'no-store' })
  first.catch(() => {})
}

/** Whether this browser has been signed in, so that requests that need a session are worth a try. */
export function isLikelySignedIn(): boolean {
  return readStored(signedInKey) !== undefined
}

export async function loadSession(): Promise<void> {
  const request = first ?? fetch(url, { cache: 'no-store' })
  first = undefined
  const response = await request
  if (!response.ok) throw await toError(response)
  take((await response.json()) as Session)
}

/** @throws SignInError, or TypeError if the service cannot be reached */
export async function signIn(email: string, password: string, stay = false): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify({ email, password, stay })
  const response = await fetch(url, { method: 'POST', headers, body })
  if (!response.ok) throw await toError(response)
  take((await response.json()) as Session)
  channel.postMessage('changed')
}

/** @throws SignInError, or TypeError if the service cannot be reached; then the manager is still signed in */
export async function signOut({ everywhere = false } = {}): Promise<void> {
  const response = await fetch(everywhere ? `${url}?scope=all` : url, { method: 'DELETE' })
  if (!response.ok && response.status !== 401) throw await toError(response)
  channel.postMessage('changed')
  location.assign(hrefOf('sign-in'))
}

/** Resolves when the manager has signed in again, after a response 401. */
export function waitForSignIn(abort?: AbortSignal | null): Promise<void> {
  isOver.value = true
  return new Promise((resolve, reject) => {
    waiting.push(resolve)
    abort?.addEventListener('abort', () => reject(abort.reason), { once: true })
  })
}

/** Notices sign-ins and sign-outs in other tabs, and those before a page came out of the back-forward cache. */
export function watchSession(): void {
  channel.addEventListener('message', checkSession)
  addEventListener('pageshow', ({ persisted }) => {
    if (persisted) checkSession()
  })
}

/** A failure is reported by the next request. */
function checkSession(): void {
  loadSession().catch(() => {})
}

function take(next: Session): void {
  const before = session.peek()?.manager
  const after = next.manager
  store(signedInKey, after ? 'yes' : undefined)
  if (before && after && before.id !== after.id) {
    location.reload()
    return
  }
  if (before && !after) {
    if (hasDrafts() || waiting.length > 0) isOver.value = true
    else location.replace(hrefOf('sign-in', signInQuery()))
    return
  }
  session.value = next
  isOver.value = false
  const resolves = waiting
  waiting = []
  for (const resolve of resolves) resolve()
  if (before && after && resolves.length === 0) return
  if (before && after) refreshes.value++
}

/** Sends to the sign-in if no manager is signed in. */
export function requireManager(): void {
  const isSignIn = route.value.screen === 'sign-in'
  if (session.value?.manager || isSignIn) return
  go(hrefOf('sign-in', signInQuery()), { replace: true })
}

function signInQuery(): string {
  const { path, search } = place.value
  return path === '' ? '' : new URLSearchParams({ to: base + path + search }).toString()
}

async function toError(response: Response): Promise<SignInError> {
  const body = (await response.json().catch(() => undefined)) as { code?: string } | undefined
  const retryAfter = response.headers.get('retry-after')
  return new SignInError(response.status, body?.code, retryAfter === null ? undefined : Number(retryAfter))
}
