import type { Problem, ProblemCode } from './schema.ts'

/** The service refused the request: its problem details (RFC 9457). Tell errors apart by `code`. */
export class StockroomError extends Error {
  override name = 'StockroomError'
  readonly status: number
  /** From the closed list; undefined if the response came from something in front of the service. */
  readonly code: ProblemCode | undefined
  /** Every reason, for `invalid_request` and `import_failed`. */
  readonly errors: NonNullable<Problem['errors']>
  /** Also in the log of the service. */
  readonly requestId: string | undefined
  /** Seconds after which to retry, if the service said so. */
  readonly retryAfter: number | undefined
  /** The whole problem. */
  readonly problem: Problem | undefined
  /** How many times the request was sent. */
  attempts = 1
  /** Whether the response to an earlier attempt was lost, so that the service may have carried it out. */
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

/** No response, or only a part of one. */
export class ConnectionError extends Error {
  override name = 'ConnectionError'
  /** Whether the request may have been carried out; false if no connection was made. */
  readonly isMaybeDone: boolean

  constructor(message: string, isMaybeDone: boolean, options?: ErrorOptions) {
    super(message, options)
    this.isMaybeDone = isMaybeDone
  }
}

/** A response that Stockroom does not give: a redirect, another status, media type, or shape. The address is wrong. */
export class UnexpectedResponseError extends Error {
  override name = 'UnexpectedResponseError'
  readonly status: number

  constructor(status: number, reason: string) {
    super(`The address does not respond like Stockroom: ${reason}`)
    this.status = status
  }
}

/** Reads the problem of a response that is an error. */
export async function toError(response: Response): Promise<StockroomError> {
  const isProblem = mediaTypeOf(response) === 'application/problem+json'
  const text = isProblem ? await response.text() : await response.body?.cancel()
  return new StockroomError(response, text === undefined ? undefined : parseProblem(text))
}

/** The media type without its parameters; empty if there is none. */
export function mediaTypeOf(response: Response): string {
  return (response.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
}

function parseProblem(text: string): Problem | undefined {
  try {
    const problem = JSON.parse(text) as Partial<Problem> | null
    const isOurs = typeof problem?.code === 'string' && typeof problem.detail === 'string'
    return isOurs && Array.isArray(problem.errors ?? []) ? (problem as Problem) : undefined
  } catch {
    return undefined
  }
}

/** @param header a number of seconds, or a date */
function secondsOf(header: string | null): number | undefined {
  if (header === null) return undefined
  const seconds = Number(header)
  const wait = Number.isNaN(seconds) ? (Date.parse(header) - Date.now()) / 1000 : seconds
  return Number.isNaN(wait) ? undefined : Math.max(0, wait)
}
