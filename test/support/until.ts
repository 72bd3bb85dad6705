import { setTimeout as sleep } from 'node:timers/promises'

/** Far more than anything takes on a machine whose processor others use for seconds at a time. */
const defaultTimeout = 30_000

/** Waits until the condition is true. @throws Error if it is not within `timeout` milliseconds */
export async function until(condition: () => unknown, timeout = defaultTimeout): Promise<void> {
  await eventually(condition, Boolean, timeout)
}

/** What `ask` gives when it is right. @throws Error if it is not within `timeout` milliseconds */
export async function eventually<T>(
  ask: () => T | Promise<T>,
  isRight: (value: T) => boolean,
  timeout = defaultTimeout,
): Promise<T> {
  const since = performance.now()
  for (;;) {
    const value = await ask()
    if (isRight(value)) return value
    if (performance.now() - since > timeout) throw new Error(`it does not come true: ${String(ask)}`)
    await sleep(20)
  }
}
