import { useCallback, useEffect, useRef, useState } from 'preact/hooks'

import { ConnectionError, StockroomError } from '../api.ts'
import { noteGivenUp, noteLoaded } from '../banner.ts'
import { isAborted } from '../explain.ts'
import { refreshes } from '../session.ts'

export interface Load<T> {
  /** The latest value; that of earlier `deps` while the next one loads. */
  value: T | undefined
  /** Undefined for failures that the banner reports. */
  error: unknown
  isLoading: boolean
  reload: () => void
}

/** Loads when `deps` change, when the session or the connection is back, and on `reload`. Aborts what is not needed anymore. */
export function useLoad<T>(load: (signal: AbortSignal) => Promise<T>, deps: readonly unknown[]): Load<T> {
  const [state, setState] = useState<Omit<Load<T>, 'reload'>>({ value: undefined, error: undefined, isLoading: true })
  const [attempt, setAttempt] = useState(0)
  const latest = useRef(load)
  latest.current = load
  const refresh = refreshes.value
  useEffect(() => {
    const abort = new AbortController()
    setState((before) => (before.isLoading ? before : { ...before, isLoading: true }))
    const run = async () => {
      try {
        const value = await latest.current(abort.signal)
        if (abort.signal.aborted) return
        setState({ value, error: undefined, isLoading: false })
        noteLoaded(latest)
      } catch (error) {
        if (abort.signal.aborted || isAborted(error)) return
        const isReported = isOutage(error)
        if (isReported) noteGivenUp(latest)
        else noteLoaded(latest)
        setState(({ value }) => ({ value, error: isReported ? undefined : error, isLoading: isReported }))
      }
    }
    void run()
    return () => abort.abort()
  }, [...deps, attempt, refresh])
  useEffect(() => () => noteLoaded(latest), [])
  const reload = useCallback(() => setAttempt((count) => count + 1), [])
  return { ...state, reload }
}

/** Whether the banner reports the failure, with a way to try again. */
function isOutage(error: unknown): boolean {
  return (
    error instanceof ConnectionError ||
    (error instanceof StockroomError && (error.status === 429 || error.status >= 502))
  )
}
