import type { ChangeSet, ItemChange } from '../api.ts'
import { dateTime, timeAgo } from '../format.ts'
import { hrefOf } from '../route.ts'
import { me } from '../session.ts'
import { more } from '../text/more.ts'
import { FieldList, ItemName } from './entry.tsx'
import { toSearch } from './query.ts'
import { mayUndo, sizeOf, titleOf, whoOf } from './words.ts'

interface Props {
  set: ChangeSet
  /** The item that changed, or one of several. */
  first: ItemChange | undefined
  onUndo: (set: ChangeSet) => void
}

export function hrefOfSet(id: string): string {
  return hrefOf('changes', toSearch({ set: id }))
}

export function ChangeRow({ set, first, onUndo }: Props) {
  const { changes: words } = more
  const size = sizeOf(set)
  return (
    <tr>
      <td class="when">
        <Time at={set.at} />
      </td>
      <td class="who">
        <Who set={set} />
      </td>
      <th scope="row" class="what">
        {titleOf(set)}
        {first && (
          <>
            {size === 1 ? ': ' : <br />}
            <ItemName entry={first} />
            <FieldList entry={first} isKnown={first.kind === set.kind} />
          </>
        )}
        {size > 1 && (
          <p>
            <a href={hrefOfSet(set.id)}>{words.show(size)}</a>
          </p>
        )}
      </th>
      <td class="row-actions">
        <SetActions set={set} name={size === 1 ? first?.name : undefined} onUndo={onUndo} />
      </td>
    </tr>
  )
}

export function Time({ at }: { at: string }) {
  return (
    <time datetime={at} title={dateTime(at)}>
      {timeAgo(at)}
    </time>
  )
}

export function Who({ set }: { set: ChangeSet }) {
  const { store_manager: manager } = set
  if (!manager) return <span>{whoOf(set)}</span>
  const search = toSearch({ manager: manager.id === me().id ? 'me' : manager.id })
  return (
    <a class="name" href={hrefOf('changes', search)}>
      {whoOf(set)}
    </a>
  )
}

/** What was undone by what, or the button that undoes. */
export function SetActions({ set, name, onUndo }: Pick<Props, 'set' | 'onUndo'> & { name?: string | undefined }) {
  const { changes: words } = more
  const { undoes, undone_by: undoneBy } = set
  return (
    <>
      {undoes !== undefined && <a href={hrefOfSet(undoes)}>{words.undoes}</a>}
      {undoneBy !== undefined && <a href={hrefOfSet(undoneBy)}>{words.undone}</a>}
      {mayUndo(set) && (
        <button
          type="button"
          aria-label={words.undoOf(name === undefined ? titleOf(set) : `${titleOf(set)}, ${name}`)}
          onClick={() => onUndo(set)}
        >
          {words.undo}
        </button>
      )}
    </>
  )
}
