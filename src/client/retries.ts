import { ConnectionError, StockroomError } from './errors.ts'

export interface RetryRule {
  isIdempotent: boolean
  hasOneShotBody?: boolean
}

export interface RetryLimits {
  retries: number
  maxRetryDelay: number
}

export function retryDelay(
  { isIdempotent, hasOneShotBody = false }: RetryRule,
  { retries, maxRetryDelay }: RetryLimits,
  error: unknown,
  attempt: number,
): number | undefined {
  if (attempt > retries || hasOneShotBody || !isTemporary(error)) return undefined
  if (!isIdempotent && isMaybeDone(error)) return undefined
  const backoff = 0.25 * 2 ** (attempt - 1) * (0.5 + Math.random() / 2)
  const retryAfter = error instanceof StockroomError ? error.retryAfter : undefined
  if (retryAfter === undefined) return backoff
  // With jitter, so that clients do not retry simultaneously.
  return retryAfter > maxRetryDelay ? undefined : retryAfter + Math.random() / 4
}

function isTemporary(error: unknown): boolean {
  if (!(error instanceof StockroomError)) return error instanceof ConnectionError
  return error.status === 429 || error.status === 503 || error.code === 'idempotency_key_in_use'
}

/** 429 and `too_busy` are sent before the request is processed; another 503 may come after that. */
function isMaybeDone(error: unknown): boolean {
  if (error instanceof ConnectionError) return error.isMaybeDone
  return !(error instanceof StockroomError && (error.status === 429 || error.code === 'too_busy'))
}
