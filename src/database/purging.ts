import type { Logger } from 'pino'

export const purgeIntervalMs = 60 * 60 * 1000
/** Processes that end within the hour, such as those of an autoscaler, purge as well. */
const firstPurgeMs = 60 * 1000

/** Runs `purge`, which deletes `what` that is too old, a minute after the start and every hour. @returns a function that stops it */
export function purgeHourly(what: string, purge: () => Promise<unknown>, log: Logger): () => void {
  const run = () => {
    purge().catch((error: unknown) => log.warn({ err: error }, `failed to purge ${what}`))
  }
  const first = setTimeout(run, firstPurgeMs).unref()
  const hourly = setInterval(run, purgeIntervalMs).unref()
  return () => {
    clearTimeout(first)
    clearInterval(hourly)
  }
}
