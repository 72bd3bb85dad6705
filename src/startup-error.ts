/** Why the service cannot start. The message is for the operator: what is wrong, then what to do. */
export class StartupError extends Error {
  override name = 'StartupError'
}
