import { setImmediate, setTimeout as sleep } from 'node:timers/promises'

import type { Connections } from '../http/connections.ts'
import type { App } from '../http/types.ts'
import type { Listener } from './listen.ts'
import type { Readiness } from './readiness.ts'

interface Draining {
  connections: Connections
  readiness: Readiness
  drainDelayMs: number
}

/** Milliseconds in which a connection without a request may still send one: it may be on its way. */
const grace = 1_000
/** Milliseconds without a new connection after which none waits to be accepted any more, and how often they are waited for at most. */
const quietPeriod = 100
const mostRounds = 10
/** Milliseconds that processes which share a port take to close it, each on its own. */
const portCloseDelay = 100

/**
 * Ends `app` so that nobody fails whose request was accepted: says that it is not ready, waits for load balancers to notice,
 * stops listening, answers what comes on open connections and closes them. What is left at `timeUp` is cut off.
 */
export async function drain(
  app: App,
  listener: Listener,
  { drainDelayMs, connections, readiness }: Draining,
  deadline: Promise<unknown>,
): Promise<void> {
  readiness.startDraining()
  await sleep(drainDelayMs)
  await waitForEmptyBacklog(connections)
  // Node would call it at once.
  app.server.closeIdleConnections = () => {}
  const closed = listener.close()
  void deadline.then(() => app.server.closeAllConnections())
  // A client that is told to open another connection finds the port closed, rather than closing.
  await sleep(portCloseDelay)
  connections.closeIdle()
  // Timers come first in a process that got no time: what was sent meanwhile is to be read before.
  const sweep = () => void setImmediate().then(() => connections.closeIdle())
  const sweeping = setInterval(sweep, grace)
  await Promise.all([app.close(), closed])
  clearInterval(sweeping)
}

/** On a busy machine connections wait to be accepted, which would be reset if the port were closed. */
async function waitForEmptyBacklog({ lastAcceptedAt }: Connections): Promise<void> {
  for (let round = 0; round < mostRounds; round++) {
    await sleep(quietPeriod)
    // If the process itself got no time, one that waits is accepted only now.
    await setImmediate()
    if (performance.now() - lastAcceptedAt() >= quietPeriod) return
  }
}
