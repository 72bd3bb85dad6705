import { ConnectionError, StockroomError, toError } from './errors.ts'
import { type Read, refuseRedirect, unexpected } from './responses.ts'
import { retryDelay, type RetryLimits, type RetryRule } from './retries.ts'
import { joinSignals, pause } from './signals.ts'

export interface Connection extends RetryLimits {
  baseUrl: string
  token: string | undefined
  fetch: typeof globalThis.fetch
  signal: AbortSignal | undefined
}

export interface CallOptions {
  signal?: AbortSignal | undefined
}

export interface Request extends RetryRule {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  path: string
  query?: object
  headers?: Record<string, string | undefined>
  body?: () => string | Blob | URLSearchParams | ReadableStream<Uint8Array>
  status?: number
  signal?: AbortSignal | undefined
}

/** Sends a request, and retries after 429 and 503, and after network failures, if that is safe. */
export async function send<T>(connection: Connection, request: Request, read: Read<T>): Promise<T> {
  const { signal, release } = joinSignals(connection.signal, request.signal)
  let isHeld = false
  const hold = () => {
    isHeld = true
    return release
  }
  let isResponseLost = false
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        return await sendOnce(connection, request, signal, (response) => read(response, hold))
      } catch (error) {
        if (error instanceof StockroomError)
          Object.assign(error, { attempts: attempt, isAfterLostResponse: isResponseLost })
        const seconds = retryDelay(request, connection, error, attempt)
        if (signal.aborted || seconds === undefined) throw error
        isResponseLost ||= error instanceof ConnectionError && error.isMaybeDone
        await pause(seconds * 1000, signal)
      }
    }
  } finally {
    if (!isHeld) release()
  }
}

export const json = (value: object, headers: Record<string, string | undefined> = {}) => ({
  headers: { 'content-type': 'application/json', ...headers },
  body: () => JSON.stringify(value),
})

export interface KeyedCall extends CallOptions {
  /** The Idempotency-Key. Calls with the same key and the same request are one; by default, each call is another. */
  key?: string | undefined
}

/** With a key, a request that writes is safe to repeat. A dry run needs none. */
export const keyHeader = (key = randomKey(), isDry = false) => ({ 'idempotency-key': isDry ? undefined : key })

async function sendOnce<T>(
  { baseUrl, token, fetch }: Connection,
  { method, path, query, headers, body, status = 200 }: Request,
  signal: AbortSignal,
  read: (response: Response) => Promise<T> | T,
): Promise<T> {
  const sent = new Headers()
  if (token !== undefined) sent.set('authorization', `Bearer ${token}`)
  for (const [name, value] of Object.entries(headers ?? {})) if (value !== undefined) sent.set(name, value)
  // Browsers' types lack `half`, which a stream requires. A redirect would send the body, perhaps a password, to another address.
  const init = { method, headers: sent, signal, redirect: 'manual', duplex: 'half', ...(body && { body: body() }) }
  const url = baseUrl + path + toQuery(query)
  try {
    const response = await fetch(url, init as RequestInit)
    await refuseRedirect(response, url)
    if (!response.ok) throw await toError(response)
    if (response.status !== status) throw await unexpected(response)
    return await read(response)
  } catch (error) {
    if (error instanceof TypeError && !signal.aborted) throw toConnectionError(baseUrl, error)
    throw error
  }
}

/** Browsers have crypto.randomUUID only on secure pages. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function toQuery(query: object = {}): string {
  const pairs = Object.entries(query).flatMap(([name, value]: [string, unknown]) =>
    (Array.isArray(value) ? value : [value])
      .filter((each) => each !== undefined)
      .map((each): [string, string] => [name, String(each)]),
  )
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs).toString()}`
}

// Errors of Node before anything was sent. Browsers do not tell.
const unsent = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
])

function toConnectionError(baseUrl: string, error: TypeError): ConnectionError {
  const { code, message } = (error.cause ?? error) as { code?: string; message?: string }
  const text = `${baseUrl || 'The service'} cannot be reached: ${code ?? message}`
  return new ConnectionError(text, !unsent.has(code ?? ''), { cause: error })
}
