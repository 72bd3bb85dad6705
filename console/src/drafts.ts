import { useLayoutEffect, useRef } from 'preact/hooks'

const drafts = new Set<object>()

/** Whether the page has input that would be lost. */
export function hasDrafts(): boolean {
  return drafts.size > 0
}

/** Marks the input of a form as unsaved: leaving asks first, and the end of the session keeps it on the page. */
export function useDraft(isDirty: boolean): void {
  const draft = useRef({})
  // Before the next key, which may be Escape.
  useLayoutEffect(() => {
    if (!isDirty) return
    const key = draft.current
    drafts.add(key)
    return () => {
      drafts.delete(key)
    }
  }, [isDirty])
}

/** The manager chose to discard them. */
export function discardDrafts(): void {
  drafts.clear()
}

/** The browser asks before it leaves the page. */
export function guardDrafts(): void {
  addEventListener('beforeunload', (event) => {
    if (hasDrafts()) event.preventDefault()
  })
}
