import { useEffect, useRef } from 'preact/hooks'

import type { Item } from '../api.ts'
import { text } from '../text/text.ts'
import { nextSort, type SortField } from './query.ts'
import { ItemRow } from './row.tsx'
import { selectableRows, selection, selectPage } from './selected.ts'
import { pageState } from './selection.ts'
import { slotsOf } from './slots.ts'
import { changeQuery, query } from './store.ts'

interface TableProps {
  items: Item[]
  /** They are the rows of the former query. */
  isStale: boolean
  caption: string
}

export function ItemsTable({ items, isStale, caption }: TableProps) {
  const { items: words } = text
  const slots = useRef(new Map<string, number>())
  slots.current = slotsOf(
    items.map(({ id }) => id),
    slots.current,
  )
  return (
    <table class="items-table" aria-busy={isStale}>
      <caption class="visually-hidden">{caption}</caption>
      <thead>
        <tr>
          <PageCheckbox />
          <SortHeader field="name" label={words.name} />
          <th scope="col">{words.category}</th>
          <SortHeader field="price_usd" label={words.price} class="number" />
          <th scope="col">{words.stock}</th>
          <th scope="col">{words.owner}</th>
        </tr>
      </thead>
      <tbody inert={isStale}>
        {items.map((item) => (
          <ItemRow key={slots.current.get(item.id)} item={item} />
        ))}
      </tbody>
    </table>
  )
}

function PageCheckbox() {
  const state = pageState(selection.value, selectableRows())
  const box = useRef<HTMLInputElement>(null)
  useEffect(() => {
    if (box.current !== null) box.current.indeterminate = state === 'some'
  }, [state])
  return (
    <td class="cell-select">
      <label class="check-cell">
        <input
          ref={box}
          type="checkbox"
          aria-label={text.items.selectPage}
          checked={state === 'all'}
          onChange={({ currentTarget: { checked } }) => selectPage(checked)}
        />
      </label>
    </td>
  )
}

function SortHeader({ field, label, class: className }: { field: SortField; label: string; class?: string }) {
  const { sort } = query.value
  const direction = sort === field ? 'ascending' : sort === `-${field}` ? 'descending' : undefined
  return (
    <th scope="col" class={className} aria-sort={direction} data-sort={field}>
      <button type="button" class="sort" onClick={() => changeQuery({ sort: nextSort(sort, field) })}>
        {label}
        <span class={`arrow ${direction ?? ''}`} aria-hidden="true" />
      </button>
    </th>
  )
}
