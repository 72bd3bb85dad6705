/** A signal that several can abort. */
export interface JoinedSignal {
  signal: AbortSignal
  /** Lets go of the signals, which may live much longer. */
  release: () => void
}

/** Joins signals. Node 20 keeps a part of each signal that AbortSignal.any made as long as its sources live. */
export function joinSignals(...sources: (AbortSignal | undefined)[]): JoinedSignal {
  const controller = new AbortController()
  const releases = sources
    .filter((source) => source !== undefined)
    .map((source) => {
      const abort = () => controller.abort(source.reason)
      if (source.aborted) abort()
      source.addEventListener('abort', abort, { once: true })
      return () => source.removeEventListener('abort', abort)
    })
  return {
    signal: controller.signal,
    release: () => {
      for (const release of releases) release()
    },
  }
}

/** Waits. @throws the reason of the signal if it is aborted meanwhile */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', abort)
      resolve()
    }, ms)
    signal.addEventListener('abort', abort, { once: true })
  })
}
