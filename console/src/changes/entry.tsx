import type { ItemChange } from '../api.ts'
import { hrefOf } from '../route.ts'
import { more } from '../text/more.ts'
import { type FieldChange, fieldChanges } from './words.ts'

/** The name of an item, as a link unless the change deleted it. */
export function ItemName({ entry: { item_id, name, kind } }: { entry: ItemChange }) {
  if (kind === 'delete') return <span class="name">{name}</span>
  return (
    <a class="name" href={hrefOf(`items/${item_id}`)}>
      {name}
    </a>
  )
}

interface EntryTableProps {
  entries: ItemChange[]
  /** Visible, unlike that of a table of all items. */
  caption?: string | undefined
  /** To the items. */
  hasLinks?: boolean
}

export function EntryTable({ entries, caption, hasLinks = false }: EntryTableProps) {
  const { changes: words } = more
  return (
    <table class="entries">
      <caption>{caption ?? <span class="visually-hidden">{words.entries}</span>}</caption>
      <thead>
        <tr>
          <th scope="col">{words.item}</th>
          <th scope="col">{words.change}</th>
        </tr>
      </thead>
      <tbody>
        {entries.map((entry) => (
          <tr key={entry.item_id}>
            <th scope="row">{hasLinks ? <ItemName entry={entry} /> : <span class="name">{entry.name}</span>}</th>
            <td>
              <FieldList entry={entry} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** Each changed field, as old → new; with `isKnown`, without saying whether the item is new or deleted. */
export function FieldList({ entry, isKnown = false }: { entry: ItemChange; isKnown?: boolean }) {
  const { changes: words } = more
  const verb = entry.kind === 'create' ? words.wasCreated : entry.kind === 'delete' ? words.wasDeleted : undefined
  return (
    <ul class="field-changes">
      {verb !== undefined && !isKnown && <li>{verb}</li>}
      {fieldChanges(entry).map((change) => (
        <FieldLine key={change.name} {...change} />
      ))}
    </ul>
  )
}

function FieldLine({ name, before, after }: FieldChange) {
  const { changes: words } = more
  const isPair = before !== undefined && after !== undefined
  return (
    <li>
      {isPair && <span class="muted">{words.fields[name]} </span>}
      {before !== undefined && (isPair ? <del>{before}</del> : before)}
      {isPair && (
        <>
          <span aria-hidden="true"> → </span>
          <span class="visually-hidden"> {words.becomes} </span>
        </>
      )}
      {after !== undefined && (isPair ? <ins>{after}</ins> : after)}
    </li>
  )
}
