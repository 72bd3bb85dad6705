import { isatty } from 'node:tty'

import { type Logger, pino } from 'pino'

import { openLogOutput } from './log-output.ts'

/** File descriptors of the standard streams. */
const stdout = 1
export const stderr = 2

/** Opens a logger to the file descriptor `fd`: JSON lines, or readable ones on a terminal. */
export async function openLog(level: string, fd = stdout): Promise<Logger> {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    ...redaction,
  }
  if (!isatty(fd)) {
    const log: Logger = pino(
      options,
      openLogOutput(fd, (dropped) => log.warn({ dropped }, 'dropped log lines that could not be written')),
    )
    return log
  }
  const { default: pretty } = await import('pino-pretty')
  return pino(options, pretty({ destination: fd, sync: true, translateTime: 'SYS:HH:MM:ss.l', ignore: 'pid,hostname' }))
}

/** What keeps secrets out of the log, should somebody log an object that holds one. */
export const redaction = {
  serializers: { err: describeError },
  redact: ['authorization', 'password', 'password_hash', 'access_token'].flatMap((name) => [name, `*.${name}`]),
}

/** Says what failed and where, and leaves out what else hangs on an error: PostgreSQL quotes whole rows in `detail`. */
function describeError(error: Error & { code?: string }): object {
  return {
    type: error.name,
    code: error.code,
    message: error.message,
    stack: error.stack,
    ...(error.cause instanceof Error && { cause: describeError(error.cause) }),
  }
}
