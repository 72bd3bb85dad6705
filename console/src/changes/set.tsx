import { useEffect, useState } from 'preact/hooks'

import { type ChangeSet, client, type ItemChange, StockroomError } from '../api.ts'
import { explain } from '../explain.ts'
import { hrefOf } from '../route.ts'
import { more } from '../text/more.ts'
import { useLoad } from '../ui/load.ts'
import { EntryTable } from './entry.tsx'
import { SetActions, Time, Who } from './row.tsx'
import { sizeOf, titleOf } from './words.ts'

const pageLength = 50

/** A change set with all its items. */
export function OneSet({ id, onUndo }: { id: string; onUndo: (set: ChangeSet) => void }) {
  const { changes: words } = more
  const { value: set, error } = useLoad((signal) => client.changes.get(id, { signal }), [id])
  const isMissing = error instanceof StockroomError && error.code === 'change_not_found'
  return (
    <div class="stack">
      <p>
        <a href={hrefOf('changes')}>{words.all}</a>
      </p>
      {error !== undefined && <p class="error">{isMissing ? words.missing : explain(error)}</p>}
      {set && (
        <section class="card stack" aria-labelledby="set">
          <h2 id="set">{titleOf(set)}</h2>
          <p class="muted">
            <Time at={set.at} />, <Who set={set} />
          </p>
          <p class="actions">
            <SetActions set={set} onUndo={onUndo} />
          </p>
          <Entries set={set} />
        </section>
      )}
    </div>
  )
}

function Entries({ set }: { set: ChangeSet }) {
  const { changes: words } = more
  const [entries, setEntries] = useState<ItemChange[]>([])
  const [after, setAfter] = useState<string>()
  const { value, error, isLoading } = useLoad(
    (signal) => client.changes.items(set.id, { limit: pageLength, ...(after !== undefined && { after }) }, { signal }),
    [after],
  )
  useEffect(() => {
    if (!value) return
    const known = new Set(entries.map(({ item_id: item }) => item))
    setEntries([...entries, ...value.entries.filter(({ item_id: item }) => !known.has(item))])
  }, [value])
  return (
    <>
      {error !== undefined && <p class="error">{explain(error)}</p>}
      <EntryTable entries={entries} hasLinks />
      {value?.next !== undefined && entries.length < sizeOf(set) && (
        <div>
          <button type="button" aria-disabled={isLoading} onClick={() => isLoading || setAfter(value.next)}>
            {words.more}
          </button>
        </div>
      )}
    </>
  )
}
