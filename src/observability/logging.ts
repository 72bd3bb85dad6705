import { isatty } from 'node:tty'

import { type Logger, pino } from 'pino'

import { type LogOutput, openLogOutput } from './log-output.ts'

const stdout = 1
export const stderr = 2

export async function openLog(level: string, fd = stdout): Promise<Logger> {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    ...redaction,
  }
  const format = isatty(fd) ? await loadPrettyFormat() : (line: string) => line
  const output = openLogOutput(fd, (dropped) => log.warn({ dropped }, 'dropped log lines that could not be written'))
  const formatted: LogOutput = { ...output, write: (line) => output.write(format(line)) }
  const log: Logger = pino(options, formatted)
  return log
}

async function loadPrettyFormat(): Promise<(line: string) => string> {
  const { prettyFactory, isColorSupported } = await import('pino-pretty')
  return prettyFactory({ colorize: isColorSupported, translateTime: 'SYS:HH:MM:ss.l', ignore: 'pid,hostname' })
}

/** Keeps secrets out of the log if an object that contains one is logged. */
export const redaction = {
  serializers: { err: describeError },
  redact: ['authorization', 'password', 'password_hash', 'access_token'].flatMap((name) => [name, `*.${name}`]),
}

/** Leaves out other members of an error: PostgreSQL quotes whole rows in `detail`. */
function describeError(error: Error & { code?: string }): object {
  return {
    type: error.name,
    code: error.code,
    message: error.message,
    stack: error.stack,
    ...(error.cause instanceof Error && { cause: describeError(error.cause) }),
  }
}
