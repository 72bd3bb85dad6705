import { text } from '../text/text.ts'
import { Failure, useAction } from '../ui/action.tsx'
import { openBulk } from './bulk-state.ts'
import { exportHref } from './export-menu.tsx'
import { saveItems } from './export-selected.ts'
import { clearSelection, selectableRows, selectAll, selection } from './selected.ts'
import { countMine, pageState } from './selection.ts'

/** What can be done with the selected items; with `total`, the number of items on all pages. */
export function SelectionBar({ total }: { total: number | undefined }) {
  const { items: words } = text
  const { isBusy, failure, run } = useAction()
  const chosen = selection.value
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
      {isAll ? (
        <a class="button" href={exportHref({ format: 'csv', safe: 'spreadsheet' })} download>
          {words.export}
        </a>
      ) : (
        <button type="button" aria-disabled={isBusy} onClick={() => run(() => saveItems([...items.keys()]))}>
          {words.export}
        </button>
      )}
      {canSelectAll && (
        <button type="button" class="link" onClick={selectAll}>
          {words.selectAll(total)}
        </button>
      )}
      <button type="button" class="link" onClick={clearSelection}>
        {words.clearSelection}
      </button>
      <Failure message={failure} />
    </div>
  )
}
