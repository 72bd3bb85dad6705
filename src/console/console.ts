import { extname, join } from 'node:path'

import type { Logger } from 'pino'

import { Problem } from '../problems.ts'
import { type Assets, readAssets } from './assets.ts'
import { ViteMissing, withBundle } from './build.ts'

export interface Console {
  /** Loads the bundle once, after building it if necessary. @throws Problem console_unavailable */
  load(): Promise<Assets>
  close(): void
}

const retryAfterMs = 5_000
const packed = join(import.meta.dirname, '../../console')
const isPackage = extname(import.meta.filename) === '.js'

export function openConsole(log: Logger): Console {
  const closing = new AbortController()
  let loading: Promise<Assets> | undefined

  const start = () => (isPackage ? readAssets(packed) : withBundle(closing.signal, readAssets))
  const explain = (error: unknown): never => {
    const detail =
      error instanceof ViteMissing
        ? 'The console is not built, because Vite is not installed. Run npm ci without --omit=dev, or install the package.'
        : 'The console could not be built. The log of the service says why.'
    if (!closing.signal.aborted) log.warn({ err: error }, detail)
    // A failed build is tried again, such as after the disk was full; Vite does not appear in a running service.
    if (!(error instanceof ViteMissing)) setTimeout(() => (loading = undefined), retryAfterMs).unref()
    throw new Problem('console_unavailable', detail)
  }

  return {
    load: () => (loading ??= start().catch(explain)),
    close: () => closing.abort(),
  }
}
