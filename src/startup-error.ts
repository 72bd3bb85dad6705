/** The message is for the operator: what is wrong, then what to do. */
export class StartupError extends Error {
  override name = 'StartupError'
}

export function explain(error: unknown): string {
  if (error instanceof StartupError) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
