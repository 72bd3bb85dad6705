import { useState } from 'preact/hooks'

import type { ItemVersion } from '../api.ts'
import { explain } from '../explain.ts'
import { timeAgo } from '../format.ts'
import { more } from '../text/more.ts'
import { Failure } from '../ui/action.tsx'
import { restore } from './delete-item.ts'
import { canUndo, authorOf } from './history.ts'

interface DeletedProps {
  id: string
  entries: ItemVersion[]
  onRestored: () => void
}

/** An item that no longer exists, or never did. */
export function DeletedItem({ id, entries, onRestored }: DeletedProps) {
  const { itemDialogs: words } = more
  const [failure, setFailure] = useState<string>()
  const [last] = entries
  if (last === undefined) return <p>{words.neverExisted}</p>
  const run = async () => {
    try {
      await restore(id)
      onRestored()
    } catch (error) {
      setFailure(explain(error))
    }
  }
  return (
    <>
      <p class="notice">{words.deletedBy(authorOf(last, true), timeAgo(last.change.at))}</p>
      {canUndo(last, last.version) && (
        <p>
          <button type="button" class="primary" onClick={() => void run()}>
            {words.restore}
          </button>
        </p>
      )}
      <Failure message={failure} />
    </>
  )
}
