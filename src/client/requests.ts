import { ConnectionError, StockroomError, toError } from './errors.ts'

/** How a client reaches the service. */
export interface Connection {
  baseUrl: string
  token: string | undefined
  fetch: typeof globalThis.fetch
  signal: AbortSignal | undefined
  /** How often a request is sent again at most. */
  retries: number
  /** Seconds: what the service asks to wait longer for is not sent again. */
  longestWait: number
}

/** Of one call. */
export interface CallOptions {
  signal?: AbortSignal
}

export interface Request {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  path: string
  query?: object
  headers?: Record<string, string | undefined>
  /** Makes the body, anew for each time it is sent. */
  body?: () => string | Blob | URLSearchParams | ReadableStream<Uint8Array>
  /** Whether doing it twice comes to the same as doing it once. */
  isRepeatable: boolean
  /** Whether its body can be read only once, so that it is never sent again. */
  isSentOnce?: boolean
  signal?: AbortSignal | undefined
}

/**
 * Sends a request, and sends it again as long as that is safe and of use: after 429 and 503, when `Retry-After` has passed,
 * and after a failure of the network.
 *
 * @param read takes what is needed from the answer, within what is tried again
 * @throws StockroomError, ConnectionError, or the reason of a signal that was aborted
 */
export async function send<T>(
  connection: Connection,
  request: Request,
  read: (response: Response) => Promise<T> | T,
): Promise<T> {
  const signals = [connection.signal, request.signal].filter((signal) => signal !== undefined)
  const signal = AbortSignal.any(signals)
  for (let attempt = 1; ; attempt++) {
    try {
      return await sendOnce(connection, request, signal, read)
    } catch (error) {
      if (error instanceof StockroomError) error.attempts = attempt
      const seconds = waitBeforeNext(connection, request, error, attempt)
      if (signal.aborted || seconds === undefined) throw error
      await pause(seconds * 1000, signal)
    }
  }
}

/** A body that is JSON. */
export const json = (value: object, headers: Record<string, string | undefined> = {}) => ({
  headers: { 'content-type': 'application/json', ...headers },
  body: () => JSON.stringify(value),
})

/** A body that is JSON, and a key by which what it makes is made once, however often it is sent. */
export const keyed = (value: object, key = randomKey()) => ({
  ...json(value, { 'idempotency-key': key }),
  isRepeatable: true,
})

/** An answer that is JSON, of the type that the OpenAPI document gives it. */
export const asJson = <T>(response: Response): Promise<T> => response.json() as Promise<T>

/** An answer of which nothing is needed. It is read to its end, or its connection could not be used again. */
export async function asNothing(response: Response): Promise<void> {
  await response.arrayBuffer()
}

async function sendOnce<T>(
  { baseUrl, token, fetch }: Connection,
  { method, path, query, headers, body }: Request,
  signal: AbortSignal,
  read: (response: Response) => Promise<T> | T,
): Promise<T> {
  const sent = new Headers()
  if (token !== undefined) sent.set('authorization', `Bearer ${token}`)
  for (const [name, value] of Object.entries(headers ?? {})) if (value !== undefined) sent.set(name, value)
  // `half` is what a stream needs, and what nothing else minds. The types of browsers do not know it yet.
  const init = { method, headers: sent, signal, duplex: 'half', ...(body && { body: body() }) } as RequestInit
  try {
    const response = await fetch(baseUrl + path + toQuery(query), init)
    if (!response.ok) throw await toError(response)
    return await read(response)
  } catch (error) {
    if (error instanceof TypeError && !signal.aborted) throw unreachable(baseUrl, error)
    throw error
  }
}

/** Not a UUID, which browsers make on encrypted pages alone. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function toQuery(query: object = {}): string {
  const pairs = Object.entries(query).flatMap(([name, value]: [string, unknown]) =>
    (Array.isArray(value) ? value : [value]).filter((each) => each !== undefined).map((each) => [name, String(each)]),
  )
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs).toString()}`
}

/** `fetch` says that it failed, and in Node only its cause says why. */
function unreachable(baseUrl: string, error: TypeError): ConnectionError {
  const { code, message } = (error.cause ?? error) as { code?: string; message?: string }
  return new ConnectionError(`${baseUrl || 'The service'} cannot be reached: ${code ?? message}`, { cause: error })
}

/** Seconds, or undefined: it is not to be sent again. */
function waitBeforeNext(
  { retries, longestWait }: Connection,
  { isRepeatable, isSentOnce }: Request,
  error: unknown,
  attempt: number,
): number | undefined {
  if (attempt > retries || isSentOnce) return undefined
  const patience = 0.25 * 2 ** (attempt - 1) * (0.5 + Math.random() / 2)
  if (error instanceof ConnectionError) return isRepeatable ? patience : undefined
  if (!(error instanceof StockroomError) || !isTemporary(error)) return undefined
  if (!isRepeatable && !hasDoneNothing(error)) return undefined
  const { retryAfter } = error
  if (retryAfter === undefined) return patience
  // A little later than asked for, and not all clients at once.
  return retryAfter > longestWait ? undefined : retryAfter + Math.random() / 4
}

function isTemporary({ status, code }: StockroomError): boolean {
  return status === 429 || status === 503 || code === 'idempotency_key_in_use'
}

/** These are answered before a request is looked at; a store may fail when it has done what it was told. */
function hasDoneNothing({ status, code }: StockroomError): boolean {
  return status === 429 || code === 'too_busy'
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', abort)
      resolve()
    }, ms)
    signal.addEventListener('abort', abort, { once: true })
  })
}
