/**
 * Makes `say` heard at most once in so many milliseconds, however often it is called.
 *
 * @param say takes how many calls there were since it was heard last, this one included
 */
export function seldom<Arguments extends unknown[]>(
  milliseconds: number,
  say: (calls: number, ...about: Arguments) => void,
): (...about: Arguments) => void {
  let [calls, saidAt] = [0, -Infinity]
  return (...about) => {
    calls++
    const now = performance.now()
    if (now - saidAt < milliseconds) return
    say(calls, ...about)
    calls = 0
    saidAt = now
  }
}
