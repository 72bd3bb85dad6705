import { setTimeout as sleep } from 'node:timers/promises'

/** Waits until the condition is true. @throws Error if it is not within `timeout` milliseconds */
export async function until(condition: () => unknown, timeout = 5_000): Promise<void> {
  const since = performance.now()
  while (!(await condition())) {
    if (performance.now() - since > timeout) throw new Error(`it does not come true: ${String(condition)}`)
    await sleep(20)
  }
}
