export interface JoinedSignal {
  signal: AbortSignal
  /** Removes the listeners from signals that may live much longer. */
  release: () => void
}

/** Node 20 leaks a part of each signal of AbortSignal.any as long as its sources live. */
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
