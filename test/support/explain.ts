import * as startup from '../../src/startup-error.ts'

/** What a program of the project prints of the error that ended it: the message alone for a wrong option, too. */
export function explain(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException
  return code.startsWith('ERR_PARSE_ARGS') ? message : startup.explain(error)
}
