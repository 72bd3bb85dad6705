import { signal } from '@preact/signals'
import type { ComponentType } from 'preact'
import { useEffect } from 'preact/hooks'

import { noteFailure, noteGivenUp } from '../banner.ts'
import { refreshes } from '../session.ts'
import { loadMore } from '../text/more.ts'

type Lazy<Props> = ComponentType<Props> & { preload(): void }

/** A component whose code is loaded when it is shown for the first time, or earlier with `preload`. */
export function lazy<Props extends object>(load: () => Promise<ComponentType<Props>>): Lazy<Props> {
  const loaded = signal<{ Component: ComponentType<Props> } | undefined>(undefined)
  const fetch = async () => {
    if (loaded.peek() !== undefined) return
    const [Component] = await Promise.all([load(), loadMore()])
    loaded.value = { Component }
  }
  const LazyComponent = (props: Props) => {
    useEffect(() => {
      fetch().catch(() => {
        noteFailure()
        noteGivenUp()
      })
    }, [refreshes.value])
    const { Component } = loaded.value ?? {}
    return Component === undefined ? null : <Component {...props} />
  }
  // Shown later, it tries again and reports the failure.
  return Object.assign(LazyComponent, { preload: () => void fetch().catch(() => {}) })
}
