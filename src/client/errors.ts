import type { Problem, ProblemCode } from './schema.ts'

/** The service rejected the request (RFC 9457). Distinguish errors by `code`. */
export class StockroomError extends Error {
  override name = 'StockroomError'
  readonly status: number
  /** Undefined if the response came from something in front of the service. */
  readonly code: ProblemCode | undefined
  readonly errors: NonNullable<Problem['errors']>
  readonly requestId: string | undefined
  /** Seconds after which to retry. */
  readonly retryAfter: number | undefined
  readonly problem: Problem | undefined
  attempts = 1
  /** Whether the response to an earlier attempt was lost, so that the service may have processed it. */
  isAfterLostResponse = false

  constructor(response: Response, problem: Problem | undefined) {
    super(problem?.detail ?? `The response was ${response.status} ${response.statusText}`.trim())
    this.status = response.status
    this.code = problem?.code
    this.errors = problem?.errors ?? []
    this.requestId = problem?.request_id ?? response.headers.get('x-request-id') ?? undefined
    this.retryAfter = secondsOf(response.headers.get('retry-after'))
    this.problem = problem
  }
}

/** There was no response, or only part of one. */
export class ConnectionError extends Error {
  override name = 'ConnectionError'
  /** Whether the request may have been processed; false if no connection was made. */
  readonly isMaybeDone: boolean

  constructor(message: string, isMaybeDone: boolean, options?: ErrorOptions) {
    super(message, options)
    this.isMaybeDone = isMaybeDone
  }
}

/** A redirect, or an unexpected status, media type, or shape: the URL is wrong. */
export class UnexpectedResponseError extends Error {
  override name = 'UnexpectedResponseError'
  readonly status: number

  constructor(status: number, reason: string) {
    super(`The address does not respond like Stockroom: ${reason}`)
    this.status = status
  }
}

export async function toError(response: Response): Promise<StockroomError> {
  const isProblem = mediaTypeOf(response) === 'application/problem+json'
  const text = isProblem ? await response.text() : await response.body?.cancel()
  return new StockroomError(response, text === undefined ? undefined : parseProblem(text))
}

export function mediaTypeOf(response: Response): string {
  return (response.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
}

function parseProblem(text: string): Problem | undefined {
  try {
    const problem = JSON.parse(text) as Partial<Problem> | null
    const isProblem = typeof problem?.code === 'string' && typeof problem.detail === 'string'
    return isProblem && Array.isArray(problem.errors ?? []) ? (problem as Problem) : undefined
  } catch {
    return undefined
  }
}

function secondsOf(header: string | null): number | undefined {
  if (header === null) return undefined
  const seconds = Number(header)
  const wait = Number.isNaN(seconds) ? (Date.parse(header) - Date.now()) / 1000 : seconds
  return Number.isNaN(wait) ? undefined : Math.max(0, wait)
}
