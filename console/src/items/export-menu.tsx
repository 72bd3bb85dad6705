import { apiHref } from '../api.ts'
import { text } from '../text/text.ts'
import { Menu } from '../ui/menu.tsx'
import { newestFirst, toFilters } from './query.ts'
import { query } from './store.ts'

/** Links to files of all items that match, which the browser saves while it receives them. */
export function ExportMenu() {
  const { items: words } = text
  const links = [
    { label: words.exportSpreadsheet, format: { format: 'csv', safe: 'spreadsheet' } },
    { label: words.exportImport, format: { format: 'csv' } },
    { label: words.exportNdjson, format: { format: 'ndjson' } },
    { label: words.exportJson, format: { format: 'json' } },
  ]
  return (
    <Menu label={words.export} isAtEnd>
      {links.map(({ label, format }) => (
        <a key={label} href={exportHref(format)} download>
          {label}
        </a>
      ))}
      <p class="hint">{words.exportNote}</p>
    </Menu>
  )
}

/** Of a file of all items that match. */
export function exportHref(format: Record<string, string>): string {
  const { sort = newestFirst, ...wanted } = query.value
  const parameters = new URLSearchParams({ ...format, sort })
  for (const [name, value] of Object.entries(toFilters({ ...wanted, sort })))
    for (const each of [value].flat()) parameters.append(name, String(each))
  return apiHref('items/export', parameters)
}
