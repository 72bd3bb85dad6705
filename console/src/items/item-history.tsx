import { useState } from 'preact/hooks'

import { client, type Item, type ItemVersion } from '../api.ts'
import { explain } from '../explain.ts'
import { dateTime, timeAgo } from '../format.ts'
import { hrefOf } from '../route.ts'
import { canWrite } from '../session.ts'
import { more } from '../text/more.ts'
import { text } from '../text/text.ts'
import { Failure } from '../ui/action.tsx'
import { authorOf, canUndo } from './history.ts'
import { reloadList } from './store.ts'
import { valueText } from './values.ts'

interface HistoryProps {
  entries: ItemVersion[]
  item: Item | undefined
  onUndone: () => void
}

/** What happened to an item, newest first. The last change can be undone if it changed nothing else. */
export function ItemHistory({ entries, item, onUndone }: HistoryProps) {
  const { itemDialogs: words } = more
  if (entries.length === 0) return null
  return (
    <section>
      <h3>{words.history}</h3>
      <ol class="history">
        {entries.map((entry) => (
          <Entry
            key={entry.change.id}
            entry={entry}
            isUndoable={item !== undefined && canWrite(item.store_manager_id) && canUndo(entry, item.version)}
            onUndone={onUndone}
          />
        ))}
      </ol>
    </section>
  )
}

function Entry({ entry, isUndoable, onUndone }: { entry: ItemVersion; isUndoable: boolean; onUndone: () => void }) {
  const { itemDialogs: words } = more
  const { shell } = text
  const [failure, setFailure] = useState<string>()
  const { change, kind } = entry
  const size = change.created + change.updated + change.deleted
  const undo = async () => {
    try {
      await client.changes.undo(change.id)
      reloadList()
      onUndone()
    } catch (error) {
      setFailure(explain(error))
    }
  }
  return (
    <li>
      <div>
        {kind === 'update' ? <FieldChanges entry={entry} /> : <p>{words.kinds[kind as 'create' | 'delete']}</p>}
        <p class="hint">
          {authorOf(entry)},{' '}
          <time dateTime={change.at} title={dateTime(change.at)}>
            {timeAgo(change.at)}
          </time>
          {size > 1 && (
            <>
              {' · '}
              <a href={hrefOf('changes', new URLSearchParams({ set: change.id }))}>{words.partOf(size)}</a>
            </>
          )}
          {change.undone_by !== undefined && ` · ${words.wasUndone}`}
        </p>
        <Failure message={failure} />
      </div>
      {isUndoable && (
        <button type="button" onClick={() => void undo()}>
          {shell.undo}
        </button>
      )}
    </li>
  )
}

function FieldChanges({ entry: { fields } }: { entry: ItemVersion }) {
  const { items: words } = text
  const { itemDialogs: dialogs } = more
  return (
    <>
      {(['name', 'category', 'price_usd', 'in_stock', 'store_manager_id'] as const).map((field) => {
        const pair = fields[field]
        if (pair === undefined) return null
        // The history knows the IDs of owners only.
        if (field === 'store_manager_id') return <p key={field}>{dialogs.newOwner}</p>
        return (
          <p key={field}>
            <span class="muted">{words.fields[field]}</span> {valueText(field, pair[0])} <Arrow />{' '}
            {valueText(field, pair[1])}
          </p>
        )
      })}
    </>
  )
}

function Arrow() {
  return (
    <>
      <span aria-hidden="true" class="to">
        →
      </span>
      <span class="visually-hidden">{more.itemDialogs.becomes}</span>
    </>
  )
}
