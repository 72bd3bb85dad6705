import { text } from '../text/text.ts'
import { openBulk } from './bulk-state.ts'
import { clearSelection, selectableRows, selectAll, selection } from './selected.ts'
import { countMine, isEmpty, pageState } from './selection.ts'

/** What can be done with the selected items; with `total`, the number of items on all pages. */
export function SelectionBar({ total }: { total: number | undefined }) {
  const { items: words } = text
  const chosen = selection.value
  if (isEmpty(chosen)) return null
  const { isAll, items } = chosen
  const rows = selectableRows()
  const canSelectAll = !isAll && total !== undefined && total > items.size && pageState(chosen, rows) === 'all'
  return (
    <div class="selection-bar" role="group" aria-label={words.selected(items.size)}>
      <p role="status">
        <strong>{isAll ? words.allSelected(total) : words.selected(items.size)}</strong>
        {!isAll && countMine(chosen) < items.size && ` ${words.ofThemMine(countMine(chosen))}`}
      </p>
      <button type="button" onClick={() => openBulk('change')}>
        {words.changeSelected}
      </button>
      <button type="button" onClick={() => openBulk('delete')}>
        {words.deleteSelected}
      </button>
      {canSelectAll && (
        <button type="button" class="link" onClick={selectAll}>
          {words.selectAll(total)}
        </button>
      )}
      <button type="button" class="link" onClick={clearSelection}>
        {words.clearSelection}
      </button>
    </div>
  )
}
