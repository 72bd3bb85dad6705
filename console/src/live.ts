import { client, type FollowedEvent, StockroomError } from './api.ts'
import { isAborted } from './explain.ts'

/**
 * Calls `onEvent` for each change that anyone makes, as long as the page is visible; what happens meanwhile comes when it
 * is visible again. `onGap`: events are missing, because their history is gone.
 * @returns a function that ends it
 */
export function followChanges(onEvent: (event: FollowedEvent) => void, onGap: () => void): () => void {
  let cursor = 'now'
  let running: AbortController | undefined

  const run = async (abort: AbortSignal) => {
    try {
      for await (const event of client.changes.follow({ since: cursor }, { signal: abort })) {
        cursor = event.cursor
        onEvent(event)
      }
    } catch (error) {
      if (isAborted(error) || !(error instanceof StockroomError) || error.code !== 'cursor_expired') return
      cursor = 'now'
      onGap()
      await run(abort)
    }
  }
  const update = () => {
    if (document.visibilityState === 'visible') {
      if (running !== undefined) return
      running = new AbortController()
      void run(running.signal)
    } else {
      running?.abort()
      running = undefined
    }
  }
  document.addEventListener('visibilitychange', update)
  update()
  return () => {
    document.removeEventListener('visibilitychange', update)
    running?.abort()
  }
}
