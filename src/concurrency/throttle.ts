/**
 * Makes `say` heard at most once in so many milliseconds, however often it is called.
 *
 * @param log takes how many calls there were since it was heard last, this one included
 */
export function throttle<Arguments extends unknown[]>(
  interval: number,
  log: (calls: number, ...about: Arguments) => void,
): (...about: Arguments) => void {
  let calls = 0
  let saidAt = -Infinity
  return (...about) => {
    calls++
    const now = performance.now()
    if (now - saidAt < interval) return
    log(calls, ...about)
    calls = 0
    saidAt = now
  }
}
