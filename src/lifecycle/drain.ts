import { setImmediate, setTimeout as sleep } from 'node:timers/promises'

import type { Connections } from '../http/connections.ts'
import type { App } from '../http/types.ts'
import type { Listener } from './listen.ts'
import type { Readiness } from './readiness.ts'
import { waitForClosedPort } from './workers.ts'

interface Draining {
  connections: Connections
  readiness: Readiness
  drainDelayMs: number
}

/** A request may be on its way on a connection that looks idle. */
const graceMs = 1_000
/** After this long without a new connection, the accept backlog is considered empty. */
const quietPeriodMs = 100
const maxRounds = 10

// Shuts `app` down gracefully: every accepted request gets its response. Reports draining, waits for load balancers to notice,
// stops listening, and closes connections as they become idle. At `deadline` the rest is closed.
export async function drain(
  app: App,
  listener: Listener,
  { drainDelayMs, connections, readiness }: Draining,
  deadline: Promise<unknown>,
): Promise<void> {
  readiness.startDraining()
  await sleep(drainDelayMs)
  await waitForEmptyBacklog(connections)
  // Node calls it immediately, which would close connections whose next request is on its way.
  app.server.closeIdleConnections = () => {}
  const closed = listener.close()
  void deadline.then(() => app.server.closeAllConnections())
  await Promise.race([waitForClosedPort(), deadline])
  connections.closeIdle()
  // After a stall, timers run first: data that has arrived must be read before them.
  const closeIdle = () => void setImmediate().then(() => connections.closeIdle())
  const closing = setInterval(closeIdle, graceMs)
  await Promise.all([app.close(), closed])
  clearInterval(closing)
}

/** On a busy machine, connections wait in the accept backlog. Closing the port would reset them. */
async function waitForEmptyBacklog({ lastAcceptedAt }: Connections): Promise<void> {
  for (let round = 0; round < maxRounds; round++) {
    await sleep(quietPeriodMs)
    // After a stall, a waiting connection is accepted only now.
    await setImmediate()
    if (performance.now() - lastAcceptedAt() >= quietPeriodMs) return
  }
}
