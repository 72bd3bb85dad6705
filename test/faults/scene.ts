import { setTimeout as sleep } from 'node:timers/promises'

import { broken, type Fault, openTally, type Site } from './fault.ts'
import type { Row } from './report.ts'

/** Milliseconds that an aborted fault has to stop. */
const timeout = 10_000

/** Runs `fault`, and ends what it has started, even if it fails or `stop` is aborted. */
export async function runFault(
  fault: Fault,
  times: number,
  { step }: Pick<Site, 'step'>,
  stop = new AbortController().signal,
): Promise<Row> {
  stop.throwIfAborted()
  const tally = openTally()
  const begun = performance.now()
  const running = new AsyncDisposableStack()
  /** Started while everything was being ended. */
  const ending: unknown[] = []
  const after: Site['after'] = (end) => {
    if (running.disposed) ending.push(end())
    else running.defer(async () => void (await end()))
  }
  const stopped = new Promise<never>((_resolve, reject) => {
    stop.addEventListener('abort', () => reject(stop.reason as Error))
  })
  const work = fault.run({ tally, step, after }, times)
  const settled = work.catch(() => {})
  try {
    const note = await Promise.race([work, stopped]).catch((error: Error) => {
      stop.throwIfAborted()
      tally.wrong.push(`it could not be done: ${error.stack}`)
    })
    const seconds = (performance.now() - begun) / 1000
    return { fault, times, tally, broken: broken(tally), seconds, note: note ?? '' }
  } finally {
    await running.disposeAsync()
    await Promise.race([settled, sleep(timeout, undefined, { ref: false })])
    await Promise.allSettled(ending)
  }
}
