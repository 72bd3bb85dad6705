import { ConnectionError, StockroomError } from './errors.ts'

/** What a retry depends on. */
export interface RetryRule {
  /** Whether doing it twice comes to the same as doing it once. */
  isIdempotent: boolean
  /** Whether its body can be read only once, so that it is never sent again. */
  isSentOnce?: boolean
}

export interface RetryLimits {
  /** How many times a request is sent again at most. */
  retries: number
  /** Seconds: a request whose Retry-After is longer is not sent again. */
  maxRetryDelay: number
}

/** Seconds to wait before sending a request again, or undefined if it must not be sent again. */
export function retryDelay(
  { isIdempotent, isSentOnce = false }: RetryRule,
  { retries, maxRetryDelay }: RetryLimits,
  error: unknown,
  attempt: number,
): number | undefined {
  if (attempt > retries || isSentOnce || !isTemporary(error)) return undefined
  if (!isIdempotent && isMaybeDone(error)) return undefined
  const backoff = 0.25 * 2 ** (attempt - 1) * (0.5 + Math.random() / 2)
  const retryAfter = error instanceof StockroomError ? error.retryAfter : undefined
  if (retryAfter === undefined) return backoff
  // A little later than asked for, and not all clients at once.
  return retryAfter > maxRetryDelay ? undefined : retryAfter + Math.random() / 4
}

function isTemporary(error: unknown): boolean {
  if (!(error instanceof StockroomError)) return error instanceof ConnectionError
  return error.status === 429 || error.status === 503 || error.code === 'idempotency_key_in_use'
}

/** 429 and `too_busy` come before a request is looked at. A store may fail after it has done what it was told. */
function isMaybeDone(error: unknown): boolean {
  if (error instanceof ConnectionError) return error.isMaybeDone
  return !(error instanceof StockroomError && (error.status === 429 || error.code === 'too_busy'))
}
