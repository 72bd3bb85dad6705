import { useRef } from 'preact/hooks'

import type { Item } from '../api.ts'
import { me } from '../session.ts'
import { text } from '../text/text.ts'
import { PriceCell } from './price-cell.tsx'
import { selection, selectRow } from './selected.ts'
import { isSelected } from './selection.ts'
import { itemHref } from './store.ts'

export function ItemRow({ item }: { item: Item }) {
  const { items: words, shell } = text
  const isMine = item.store_manager_id === me().id
  const isChecked = isSelected(selection.value, item.id)
  const isRange = useRef(false)
  return (
    <tr data-id={item.id} class={isChecked ? 'is-selected' : undefined}>
      <td class="cell-select">
        <label class="check-cell">
          <input
            type="checkbox"
            aria-label={words.selectItem(item.name)}
            checked={isChecked}
            onClick={({ shiftKey }) => (isRange.current = shiftKey)}
            onChange={({ currentTarget: { checked } }) => selectRow(item.id, checked, isRange.current)}
          />
        </label>
      </td>
      <th scope="row" class="cell-name">
        <a href={itemHref(item.id)}>{item.name}</a>
      </th>
      <td class="cell-category">{words.categories[item.category]}</td>
      <td class="cell-price number">
        <PriceCell item={item} />
      </td>
      <td class="cell-stock">
        <StockLabel isInStock={item.in_stock} />
      </td>
      <td class="cell-owner name">{isMine ? shell.you : (item.store_manager?.name ?? '')}</td>
    </tr>
  )
}

export function StockLabel({ isInStock }: { isInStock: boolean }) {
  const { items: words } = text
  return <span class={isInStock ? 'stock in' : 'stock out'}>{isInStock ? words.inStock : words.soldOut}</span>
}
