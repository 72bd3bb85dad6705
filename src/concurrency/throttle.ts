/** Throttles `log` to one call per interval, and passes it the number of count since the last one. */
export function throttle<Arguments extends unknown[]>(
  interval: number,
  log: (count: number, ...about: Arguments) => void,
): (...about: Arguments) => void {
  let count = 0
  let loggedAt = -Infinity
  return (...about) => {
    count++
    const now = performance.now()
    if (now - loggedAt < interval) return
    log(count, ...about)
    count = 0
    loggedAt = now
  }
}
