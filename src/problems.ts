import type { Socket } from 'node:net'

import type { FastifyBaseLogger, FastifyError, FastifyReply, FastifyRequest } from 'fastify'

import { corsHeaders } from './http/cors.ts'
import { securityHeaders } from './http/security-headers.ts'
import { type ValidationError, validationErrors } from './http/validation.ts'
import { logRefusal } from './observability/security-events.ts'

/** Every `code` that an error may carry, with its status and title: a closed list, which clients may rely on. */
export const problems = {
  malformed_request: [400, 'Malformed request'],
  malformed_body: [400, 'Malformed body'],
  missing_token: [401, 'Token missing'],
  invalid_token: [401, 'Token invalid'],
  invalid_credentials: [401, 'Wrong e-mail or password'],
  account_disabled: [401, 'Account disabled'],
  cross_site_request: [403, 'Cross-site request'],
  not_owner: [403, 'Not the owner'],
  invalid_reset_code: [403, 'Reset code invalid'],
  registration_closed: [403, 'Registration closed'],
  wrong_password: [403, 'Wrong password'],
  not_found: [404, 'Not found'],
  item_not_found: [404, 'Item not found'],
  method_not_allowed: [405, 'Method not allowed'],
  request_timeout: [408, 'Request timeout'],
  email_taken: [409, 'E-mail already registered'],
  manager_owns_items: [409, 'Manager owns items'],
  idempotency_key_in_use: [409, 'Idempotency key in use'],
  precondition_failed: [412, 'Precondition failed'],
  body_too_large: [413, 'Body too large'],
  unsupported_media_type: [415, 'Unsupported media type'],
  misdirected_request: [421, 'Misdirected request'],
  invalid_request: [422, 'Invalid request'],
  import_failed: [422, 'Import failed'],
  idempotency_key_reused: [422, 'Idempotency key reused'],
  precondition_required: [428, 'Precondition required'],
  too_many_logins: [429, 'Too many logins'],
  too_many_registrations: [429, 'Too many registrations'],
  headers_too_large: [431, 'Headers too large'],
  internal_error: [500, 'Internal error'],
  unsupported_transfer_coding: [501, 'Unsupported transfer coding'],
  too_busy: [503, 'Too busy'],
  store_unavailable: [503, 'Store unavailable'],
} as const satisfies Record<string, readonly [status: number, title: string]>

export type Code = keyof typeof problems

interface Extras {
  headers?: Record<string, string>
  /** Members of the answer beside those that every problem has. */
  members?: Record<string, unknown>
  cause?: unknown
  /** The ID of the manager whom it is about: for the log alone. */
  manager?: string | undefined
}

/** An error that a client is told: thrown anywhere below a route, answered as RFC 9457 problem details. */
export class Problem extends Error {
  override name = 'Problem'
  readonly code: Code
  readonly headers: Record<string, string>
  readonly members: Record<string, unknown>
  readonly manager: string | undefined

  constructor(code: Code, detail: string, { headers = {}, members = {}, cause, manager }: Extras = {}) {
    super(detail, { cause })
    this.code = code
    this.headers = headers
    this.members = members
    this.manager = manager
  }

  get status(): number {
    return problems[this.code][0]
  }
}

/** 503 for a store («PostgreSQL», «Redis») that does not answer. */
export function storeUnavailable(store: string, cause: unknown): Problem {
  const detail = `${store} does not answer at the moment. Nothing is wrong with the request: try again.`
  return new Problem('store_unavailable', detail, { headers: { 'retry-after': '1' }, cause })
}

/** 503 for a request that comes while there is too much to do, to be sent again after so many seconds. */
export function tooBusy(detail: string, retryAfter: number): Problem {
  return new Problem('too_busy', detail, { headers: { 'retry-after': String(retryAfter) } })
}

export function unsupportedMediaType(accepted: string): Problem {
  return new Problem('unsupported_media_type', `The body has to be ${accepted}.`)
}

/** Answers whatever a hook or a handler has thrown. */
export function handleError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  void decisive(error, request).then((thrown) => answer(thrown, request, reply))
}

/** A token that does not count comes before whatever else is wrong with its request. */
async function decisive(error: unknown, request: FastifyRequest): Promise<unknown> {
  try {
    await request.admission?.()
    return error
  } catch (refusal) {
    return refusal
  }
}

function answer(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const problem = toProblem(error, request)
  logRefusal(request, problem)
  if (problem.status >= 500) {
    // There may be thousands of the others a second: whoever throws them says so, now and then.
    const level = problem.code === 'internal_error' ? 'error' : 'debug'
    request.log[level]({ reqId: request.id, err: problem.cause }, problem.message)
  }
  reply
    .code(problem.status)
    .headers({ ...headersOf(request.id), ...problem.headers })
    .type('application/problem+json')
    .serializer(JSON.stringify)
    .send(toProblemDetails(problem, request.id))
}

/** With the bytes that could not be read. */
type ClientError = Error & { code?: string | undefined; rawPacket?: unknown }

/** Answers bytes that are not HTTP, headers beyond the limit, and requests that never end. */
export function handleClientError(error: ClientError, socket: Socket, log: FastifyBaseLogger, origins: string[]): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const sent = Buffer.isBuffer(error.rawPacket) ? error.rawPacket.toString('latin1') : ''
  const [, origin] = /\r\norigin:[ \t]*([^\r\n]*)/i.exec(sent) ?? []
  const problem =
    parserProblems[String(error.code)] ?? new Problem('malformed_request', 'The request is not valid HTTP.')
  const id = crypto.randomUUID()
  const body = JSON.stringify(toProblemDetails(problem, id))
  const headers = {
    ...headersOf(id),
    ...corsHeaders(origins, origin?.trim()),
    'content-type': 'application/problem+json',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  log.info({ reqId: id, status: problem.status }, 'request')
  // A client that goes on sending may miss the answer if the connection is closed at once, and may never close it itself.
  setTimeout(() => socket.destroy(), closeDelay)
  socket.end(`HTTP/1.1 ${problem.status} ${problems[problem.code][1]}\r\n${lines.join('')}\r\n${body}`)
}

/** Milliseconds. */
const closeDelay = 1_000

/** Of every error. Some come before any hook has run. */
function headersOf(requestId: string) {
  return { ...securityHeaders, 'x-request-id': requestId, 'cache-control': 'no-store' }
}

const parserProblems: Record<string, Problem> = {
  HPE_HEADER_OVERFLOW: new Problem('headers_too_large', 'The headers are larger than 16 KiB.'),
  ERR_HTTP_REQUEST_TIMEOUT: new Problem('request_timeout', 'The request did not arrive in time.'),
}

function toProblemDetails(problem: Problem, requestId: string) {
  const [status, title] = problems[problem.code]
  return {
    type: `urn:stockroom:problem:${problem.code}`,
    title,
    status,
    detail: problem.message,
    code: problem.code,
    request_id: requestId,
    ...problem.members,
  }
}

function toProblem(error: unknown, request: FastifyRequest): Problem {
  if (error instanceof Problem) return error
  const { code, validation } = error as Partial<FastifyError>
  if (validation) return validationFailed(validationErrors(error as FastifyError, request))
  if (request.raw.destroyed && code === 'ECONNRESET')
    return new Problem('malformed_request', 'The client has disconnected.')
  const known = fromFastify[code ?? '']
  return known?.() ?? new Problem('internal_error', 'Something went wrong here. It has been logged.', { cause: error })
}

/** 422 for a request that does not fit, for each of these reasons. */
export function validationFailed(parts: ValidationError[]): Problem {
  const [first] = parts
  const more = parts.length > 1 ? ` (and ${parts.length - 1} more)` : ''
  const detail = `The request does not fit: ${first?.loc.join('.')}: ${first?.msg}${more}.`
  return new Problem('invalid_request', detail, { members: { errors: parts } })
}

const fromFastify: Record<string, () => Problem> = {
  FST_ERR_BAD_URL: () => new Problem('malformed_request', 'The path is not a valid URL path.'),
  FST_ERR_CTP_BODY_TOO_LARGE: () => new Problem('body_too_large', 'The body is larger than 64 KiB.'),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () =>
    new Problem('malformed_request', 'The body is not as long as Content-Length says.'),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () => unsupportedMediaType('application/json'),
}
