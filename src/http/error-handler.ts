import type { Socket } from 'node:net'

import type { FastifyBaseLogger, FastifyError, FastifyReply, FastifyRequest } from 'fastify'

import { Problem, problems, unsupportedMediaType, validationFailed } from '../problems.ts'
import { corsHeaders } from './cors.ts'
import { logRefusal } from './security-events.ts'
import { securityHeaders } from './security-headers.ts'
import { writeJson } from './serialization.ts'
import { validationErrors } from './validation-errors.ts'

/** Waits for a microtask: if the parser fails on the rest of the request, that error is the only response. */
export function handleError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  queueMicrotask(() => sendProblem(error, request, reply))
}

function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const problem = toProblem(error, request)
  logRefusal(request, problem)
  request.server.requestMetrics.problems[problem.code].add()
  request.trace?.span?.setError(problem)
  if (problem.status >= 500) {
    // There may be thousands of expected ones per second; what throws them logs them, throttled.
    const level = problem.code === 'internal_error' ? 'error' : 'debug'
    request.log[level]({ reqId: request.id, err: problem.cause }, problem.message)
  }
  for (const name of bodyHeaders) reply.removeHeader(name)
  reply
    .code(problem.status)
    .headers({ ...headersOf(request.id), ...problem.headers })
    .type('application/problem+json')
    .serializer(writeJson)
    .send(toProblemDetails(problem, request.id, request.rootPath))
}

/** Headers about the body of a response that failed before it was sent, such as that of an export. */
const bodyHeaders = ['content-encoding', 'content-disposition']

type ClientError = Error & { code?: string | undefined; rawPacket?: unknown; method?: string | undefined }

export function handleClientError(
  error: ClientError,
  socket: Socket,
  log: FastifyBaseLogger,
  { corsOrigins, rootPath }: { corsOrigins: string[]; rootPath: string },
): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const sent = Buffer.isBuffer(error.rawPacket) ? error.rawPacket.toString('latin1') : ''
  const [, origin] = /\r\norigin:[ \t]*([^\r\n]*)/i.exec(sent) ?? []
  const problem =
    parserProblems[String(error.code)] ?? new Problem('malformed_request', 'The request is not valid HTTP.')
  const id = crypto.randomUUID()
  const body = writeJson(toProblemDetails(problem, id, rootPath))
  const headers = {
    ...headersOf(id),
    ...corsHeaders(corsOrigins, origin?.trim()),
    'content-type': 'application/problem+json',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  log.info({ reqId: id, method: error.method, status: problem.status }, 'request')
  // Closing immediately could lose the response, and a client that keeps sending may never close the connection.
  setTimeout(() => socket.destroy(), closeDelayMs)
  socket.end(`HTTP/1.1 ${problem.status} ${problems[problem.code][1]}\r\n${lines.join('')}\r\n${body}`)
}

const closeDelayMs = 1_000

/** On every error, because some come before any hook has run. */
function headersOf(requestId: string) {
  return { ...securityHeaders, 'x-request-id': requestId, 'cache-control': 'no-store' }
}

const parserProblems: Record<string, Problem> = {
  HPE_HEADER_OVERFLOW: new Problem('headers_too_large', 'The headers are larger than 16 KiB.'),
  CONNECT: new Problem('malformed_request', 'The service is not a proxy, so it does not support CONNECT.'),
  ERR_HTTP_REQUEST_TIMEOUT: new Problem('request_timeout', 'The request did not arrive in time.'),
}

function toProblemDetails(problem: Problem, requestId: string, rootPath: string) {
  const [status, title] = problems[problem.code]
  return {
    type: `${rootPath}/problems/${problem.code}`,
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
  return (
    known?.(request) ??
    new Problem('internal_error', 'Internal server error. The failure has been logged.', { cause: error })
  )
}

const fromFastify: Record<string, (request: FastifyRequest) => Problem> = {
  FST_ERR_BAD_URL: () => new Problem('malformed_request', 'The path is not a valid URL path.'),
  FST_ERR_CTP_BODY_TOO_LARGE: ({ routeOptions: { bodyLimit } }) =>
    new Problem('body_too_large', `The body is larger than ${bodyLimit / 1024} KiB.`),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () =>
    new Problem('malformed_request', 'The body is not as long as Content-Length says.'),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () => unsupportedMediaType('application/json'),
}
