import { useState } from 'preact/hooks'

import { type ChangeSet, client } from '../api.ts'
import { explain } from '../explain.ts'
import { count } from '../format.ts'
import { go, hrefOf, place as current } from '../route.ts'
import { me, refreshes } from '../session.ts'
import { more } from '../text/more.ts'
import { text } from '../text/text.ts'
import { Heading } from '../ui/heading.tsx'
import { useLoad } from '../ui/load.ts'
import { Pager } from '../ui/pager.tsx'
import { ChangeFilters } from './filters.tsx'
import { useFirstItems } from './first-items.ts'
import { type ChangesPlace, hasFilters, parsePlace, toQuery, toSearch } from './query.ts'
import { ChangeRow } from './row.tsx'
import { OneSet } from './set.tsx'
import { UndoDialog } from './undo-dialog.tsx'

export function ChangesScreen() {
  const { changes: words } = more
  const place = parsePlace(current.value.search)
  const [undoing, setUndoing] = useState<ChangeSet>()
  return (
    <div class="page">
      <div class="page-head">
        <Heading title={words.title} />
      </div>
      {place.set === undefined ? (
        <ChangeList place={place} onUndo={setUndoing} />
      ) : (
        <OneSet key={place.set} id={place.set} onUndo={setUndoing} />
      )}
      {undoing && (
        <UndoDialog id={undoing.id} onClose={() => setUndoing(undefined)} onDone={() => void refreshes.value++} />
      )}
    </div>
  )
}

interface ListProps {
  place: ChangesPlace
  onUndo: (set: ChangeSet) => void
}

function ChangeList({ place, onUndo }: ListProps) {
  const { changes: words } = more
  const { shell } = text
  const { value, error, isLoading } = useLoad(
    (signal) => client.changes.list(toQuery(place, me().id), { signal }),
    [toSearch(place)],
  )
  const firstItems = useFirstItems(value?.entries)
  const trail = current.value.state.trail ?? []
  const number = count(place.after === undefined ? 1 : trail.length + 1)
  const goTo = (after: string | undefined, nextTrail: string[]) => {
    go(hrefOf('changes', toSearch({ ...place, after })), { state: { trail: nextTrail } })
    scrollTo(0, 0)
  }
  const previous = place.after === undefined ? undefined : () => goTo(trail.at(-1) || undefined, trail.slice(0, -1))
  const next = value?.next
  const sets = value?.entries ?? []
  return (
    <>
      <ChangeFilters place={place} sets={sets} />
      {error !== undefined && <p class="error">{explain(error)}</p>}
      <div role="status">{value && sets.length === 0 && !isLoading && <Nothing place={place} />}</div>
      {sets.length > 0 && (
        <div class="stack" inert={isLoading}>
          <table class="changes">
            <caption class="visually-hidden">{words.caption(number)}</caption>
            <thead>
              <tr>
                {[words.when, words.who, words.what, words.actions].map((column) => (
                  <th key={column} scope="col">
                    {column}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {sets.map((set) => (
                <ChangeRow key={set.id} set={set} first={firstItems.get(set.id)} onUndo={onUndo} />
              ))}
            </tbody>
          </table>
          {(previous !== undefined || next !== undefined) && (
            <Pager
              name={shell.pages}
              page={shell.page(number)}
              onPrevious={previous}
              onNext={next === undefined ? undefined : () => goTo(next, [...trail, place.after ?? ''])}
            />
          )}
        </div>
      )}
    </>
  )
}

function Nothing({ place }: { place: ChangesPlace }) {
  const { changes: words } = more
  return <p class="card">{hasFilters(place) ? `${words.nothing} ${words.kept}` : words.noneYet}</p>
}
