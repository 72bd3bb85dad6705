import { useEffect, useState } from 'preact/hooks'

/** Counts down to a time in milliseconds since the epoch. */
export function useSecondsUntil(time: number): number {
  const [now, setNow] = useState(Date.now())
  const left = Math.max(0, Math.ceil((time - now) / 1000))
  useEffect(() => setNow(Date.now()), [time])
  useEffect(() => {
    if (left === 0) return
    const timer = setTimeout(() => setNow(Date.now()), 1000)
    return () => clearTimeout(timer)
  }, [left, now])
  return left
}
