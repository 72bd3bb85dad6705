import { ConnectionError, StockroomError, UnexpectedResponseError } from '../client/client.ts'
import { Problem } from '../problems.ts'
import { StartupError } from '../startup-error.ts'
import { inOptions, nameOf } from './option-names.ts'
import { visible } from './terminal.ts'

export const exitCodes = { ok: 0, failed: 1, usage: 2, notSignedIn: 3, notFound: 4 } as const

export const thisCommand = process.env['npm_command'] === 'exec' ? 'npx --no-install stockroom' : 'stockroom'

export class CliError extends Error {
  override name = 'CliError'
  readonly exitCode: number

  constructor(message: string, exitCode: number = exitCodes.failed) {
    super(message)
    this.exitCode = exitCode
  }
}

export function usageError(message: string): CliError {
  return new CliError(message, exitCodes.usage)
}

export function fileFailure(error: unknown, file: string): unknown {
  const { code = '' } = error as NodeJS.ErrnoException
  const reason = fileReasons[code]
  return reason === undefined ? error : new CliError(`${file}: ${reason}.`)
}

const fileReasons: Record<string, string> = {
  ENOENT: 'no such file or directory',
  ENOTDIR: 'a part of the path is not a directory',
  EISDIR: 'it is a directory',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left on the device',
  EDQUOT: 'the disk quota is exceeded',
  EFBIG: 'the file would be too large',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'too many symbolic links',
}

export function describe(error: unknown): { message: string; exitCode: number; problem?: unknown } {
  if (error instanceof StockroomError) {
    const exitCode = (error.code && byStatus[error.status]) ?? exitCodes.failed
    return { message: formatProblem(error), exitCode, problem: error.problem }
  }
  const exitCode = error instanceof CliError ? error.exitCode : exitCodes.failed
  return { message: messageOf(error).split('\n').map(visible).join('\n'), exitCode }
}

function messageOf(error: unknown): string {
  if (error instanceof ConnectionError)
    return `${error.message}. Is the service running? Use --server to choose another.`
  if (isExplained.some((type) => error instanceof type)) return (error as Error).message
  const { code, message, stack } = error as NodeJS.ErrnoException
  // With a code, it is about a file, pipe, or terminal; anything else is a bug.
  return (code === undefined ? stack : message) ?? String(error)
}

const isExplained = [UnexpectedResponseError, CliError, StartupError, Problem]
const byStatus: Record<number, number> = { 401: exitCodes.notSignedIn, 404: exitCodes.notFound }

const inOwnWords = new Map([
  ['precondition_failed', `The item has changed since this version. Show it with: ${thisCommand} items get`],
  ['precondition_required', `The service requires --if-version. Show the version with: ${thisCommand} items get`],
])

function formatProblem({ status, code, message, errors, retryAfter, requestId }: StockroomError): string {
  const text = visible(inOptions(message))
  if (code === undefined && status < 500) return `The address does not respond like Stockroom: ${text}.`
  if (code === 'missing_token') return `You are not signed in. Sign in with: ${thisCommand} login`
  if (code === 'invalid_token') return `${text} Sign in with: ${thisCommand} login`
  if (code === 'invalid_request') {
    return errors.map(({ msg, ...where }) => visible(`${nameOf(where)} ${inOptions(msg)}.`)).join('\n')
  }
  const own = inOwnWords.get(code ?? '')
  if (own !== undefined) return own
  if (retryAfter !== undefined) return `${text} Try again in ${Math.ceil(retryAfter)} seconds.`
  if (code !== undefined && code !== 'internal_error') return text
  return `${text.replace(/\.$/, '')} (request ${visible(requestId ?? 'without an ID')}).`
}
