import type { TestContext } from 'node:test'

/** Makes timers of more than `least` milliseconds run out so many times sooner. */
export function hasten(t: TestContext, times: number, least = 1_000): void {
  change(t, (time) => (time > least ? time / times : time))
}

/**
 * Makes timers of more than a second run out ten times later, so that on a busy machine nothing is given up that would soon
 * come. @returns the times that timers are set to
 */
export function delay(t: TestContext): number[] {
  const set: number[] = []
  change(t, (time) => {
    set.push(time)
    return time > 1_000 ? time * 10 : time
  })
  return set
}

function change(t: TestContext, timeOf: (time: number) => number): void {
  const { setTimeout: real } = globalThis
  const changed = (task: (...given: unknown[]) => void, time = 0, ...given: unknown[]) =>
    real(task, timeOf(time), ...given)
  t.mock.method(globalThis, 'setTimeout', changed)
}
