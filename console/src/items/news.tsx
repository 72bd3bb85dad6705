import { useEffect } from 'preact/hooks'

import type { FollowedEvent } from '../api.ts'
import { followChanges } from '../live.ts'
import { route } from '../route.ts'
import { me } from '../session.ts'
import { text } from '../text/text.ts'
import { matches } from './matching.ts'
import { type ItemsQuery, toSearch } from './query.ts'
import { changedItems, isKnown, query, reloadList, shown } from './store.ts'

/** Follows changes as long as the list is shown. Rows never move by themselves. */
export function useNews(): void {
  useEffect(() => followChanges(note, noteGap), [])
  // What was loaded again is no news.
  useEffect(() => {
    changedItems.value = new Map()
  }, [shown.value?.loaded])
}

function note(event: FollowedEvent): void {
  if (isKnown(event.item_id, event.version) || !concerns(event, query.peek())) return
  changedItems.value = new Map(changedItems.peek()).set(event.item_id, event.version)
}

/** The page may be outdated in ways that are not known. */
function noteGap(): void {
  const [first] = shown.peek()?.items ?? []
  if (first !== undefined) changedItems.value = new Map(changedItems.peek()).set(first.id, first.version ?? 0)
}

/** A change of a row, or a new item that the filters match. */
function concerns(event: FollowedEvent, wanted: ItemsQuery): boolean {
  const page = shown.peek()
  if (page === undefined || page.key !== toSearch(wanted)) return false
  if (route.peek().item === event.item_id) return true
  if (page.items.some(({ id }) => id === event.item_id)) return true
  return event.kind === 'create' && matches(event, wanted, me().id)
}

/** How many items have changed meanwhile, and a way to see them. */
export function NewsLine() {
  const { items: words, shell } = text
  const { size } = changedItems.value
  return (
    <div class="news" role="status">
      {size > 0 && (
        <>
          {words.changedByOthers(size)}{' '}
          <button type="button" class="link" onClick={reloadList}>
            {shell.reload}
          </button>
        </>
      )}
    </div>
  )
}
