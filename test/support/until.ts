import { setTimeout as sleep } from 'node:timers/promises'

/** Waits until the condition is true. @throws Error if it is not in 5 seconds */
export async function until(condition: () => unknown): Promise<void> {
  const since = performance.now()
  while (!(await condition())) {
    if (performance.now() - since > 5_000) throw new Error(`it does not come true: ${String(condition)}`)
    await sleep(20)
  }
}
