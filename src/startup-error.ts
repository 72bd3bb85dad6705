/** Why the service cannot start. The message is for the operator: what is wrong, then what to do. */
export class StartupError extends Error {
  override name = 'StartupError'
}

/** What an operator is told of an error that ended a program: the message alone where it says what to do. */
export function explain(error: unknown): string {
  if (error instanceof StartupError) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
