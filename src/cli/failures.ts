import { ConnectionError, StockroomError } from '../client/client.ts'

/** What the command ends with. 130 and 143 are for Ctrl-C and SIGTERM, as shells count. */
export const exitCodes = { ok: 0, failed: 1, usage: 2, notSignedIn: 3, notFound: 4 } as const

/** Something that went wrong, in words for whoever called the command. */
export class Failure extends Error {
  override name = 'Failure'
  readonly exitCode: number

  constructor(message: string, exitCode: number = exitCodes.failed) {
    super(message)
    this.exitCode = exitCode
  }
}

/** Called in a way that makes no sense. */
export function misuse(message: string): Failure {
  return new Failure(message, exitCodes.usage)
}

/** What to say of an error, and what to end with. */
export function describe(error: unknown): { message: string; exitCode: number; problem?: unknown } {
  if (error instanceof StockroomError) {
    return { message: inWords(error), exitCode: byStatus[error.status] ?? exitCodes.failed, problem: error.problem }
  }
  if (error instanceof ConnectionError)
    return { message: `${error.message}. Is it running there? --server names another.`, exitCode: exitCodes.failed }
  if (error instanceof Failure) return error
  const { code, message, stack } = error as NodeJS.ErrnoException
  // A file, a pipe or a terminal; anything else is a mistake of ours.
  return { message: (code === undefined ? stack : message) ?? String(error), exitCode: exitCodes.failed }
}

const byStatus: Record<number, number> = { 401: exitCodes.notSignedIn, 404: exitCodes.notFound }

function inWords({ code, message, errors, retryAfter, requestId }: StockroomError): string {
  if (code === 'missing_token') return 'You are not signed in. Sign in with: npx stockroom login'
  if (code === 'invalid_token') return `${message} Sign in with: npx stockroom login`
  if (code === 'invalid_request') return errors.map(({ msg, ...where }) => `${nameOf(where)} ${msg}.`).join('\n')
  if (retryAfter !== undefined) return `${message} Try again in ${Math.ceil(retryAfter)} seconds.`
  return code === undefined || code === 'internal_error'
    ? `${message} (request ${requestId ?? 'without an id'})`
    : message
}

/** `--price 4` is `body.price_usd` to the service: the last part is what both share. */
function nameOf(where: object): string {
  return 'loc' in where && Array.isArray(where.loc) ? String(where.loc.at(-1)) : 'The request'
}
