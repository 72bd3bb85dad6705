import { setTimeout as sleep } from 'node:timers/promises'

import type { App } from './app.ts'
import type { Context } from './context.ts'

/** Milliseconds in which a connection without a request may still send one: it may be on its way. */
const grace = 1_000
/** Milliseconds that processes which share a port take to close it, each on its own. */
const closing = 100

/**
 * Ends `app` so that nobody fails whose request was accepted: says that it is not ready, waits for load balancers to notice,
 * stops listening, answers what comes on open connections and closes them. What is left at `timeUp` is cut off.
 */
export async function drain(
  app: App,
  { config, connections, readiness }: Context,
  timeUp: Promise<unknown>,
): Promise<void> {
  readiness.leave()
  await sleep(config.drainDelayMs)
  // Node would call it at once.
  app.server.closeIdleConnections = () => {}
  app.server.close()
  void timeUp.then(() => app.server.closeAllConnections())
  // A client that is told to open another connection finds the port closed, rather than closing.
  await sleep(closing)
  connections.closeSilent()
  const sweeping = setInterval(() => connections.closeSilent(), grace)
  await app.close()
  clearInterval(sweeping)
}
