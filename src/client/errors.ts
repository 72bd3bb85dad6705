import type { Problem, ProblemCode } from './schema.ts'

/** What the service answered instead of what was asked for: its problem details (RFC 9457). Tell them apart by `code`. */
export class StockroomError extends Error {
  override name = 'StockroomError'
  readonly status: number
  /** Of the closed list; undefined if the answer came from something before the service. */
  readonly code: ProblemCode | undefined
  /** Every reason, for `invalid_request` and `import_failed`. */
  readonly errors: NonNullable<Problem['errors']>
  /** Also in the log of the service. */
  readonly requestId: string | undefined
  /** Seconds after which to try again, if the service said so. */
  readonly retryAfter: number | undefined
  /** All that it said. */
  readonly problem: Problem | undefined
  /** How often the request was sent. */
  attempts = 1

  constructor(response: Response, problem: Problem | undefined) {
    super(problem?.detail ?? `The answer was ${response.status} ${response.statusText}`.trim())
    this.status = response.status
    this.code = problem?.code
    this.errors = problem?.errors ?? []
    this.requestId = problem?.request_id ?? response.headers.get('x-request-id') ?? undefined
    this.retryAfter = secondsOf(response.headers.get('retry-after'))
    this.problem = problem
  }
}

/** No answer, or only a part of one: what was asked for may have been done or not. */
export class ConnectionError extends Error {
  override name = 'ConnectionError'
}

/** Reads the problem in an answer that is an error. */
export async function toError(response: Response): Promise<StockroomError> {
  const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json')
  return new StockroomError(response, isProblem ? ((await response.json()) as Problem) : undefined)
}

/** @param header a number of seconds, or a date */
function secondsOf(header: string | null): number | undefined {
  if (header === null) return undefined
  const seconds = Number(header)
  const wait = Number.isNaN(seconds) ? (Date.parse(header) - Date.now()) / 1000 : seconds
  return Number.isNaN(wait) ? undefined : Math.max(0, wait)
}
