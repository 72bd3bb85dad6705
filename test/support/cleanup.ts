/** What ends what was opened in it: a test, or one of the faults of `npm run faults`. */
export interface Cleanup {
  after(end: () => unknown): void
}

const openIn = new WeakMap<Cleanup, AsyncDisposableStack>()

/**
 * Runs `close` when `t` ends, after all that was registered later has been closed: an application before its schema, for a
 * statement that still runs would deadlock with the removal of its tables. (`t.after` begins with what came first.)
 */
export function closeAfter(t: Cleanup, close: () => unknown): void {
  const open = openIn.get(t)
  const stack = open === undefined || open.disposed ? new AsyncDisposableStack() : open
  stack.defer(async () => void (await close()))
  if (stack === open) return
  openIn.set(t, stack)
  t.after(() => stack.disposeAsync())
}
