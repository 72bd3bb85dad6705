import type { BulkReport, ItemChange, StockroomError } from '../api.ts'
import { money } from '../format.ts'
import { more } from '../text/more.ts'
import { text } from '../text/text.ts'
import { Failure } from '../ui/action.tsx'
import type { Preview } from './bulk-dialog.tsx'
import type { BulkKind } from './bulk-state.ts'
import { valueText } from './values.ts'

interface PreviewProps {
  kind: BulkKind
  preview: Preview | undefined
  /** It is the result of the fields as they are. */
  isCurrent: boolean
}

/** What would change: counts, and the first items before and after. */
export function BulkPreview({ kind, preview, isCurrent }: PreviewProps) {
  const { itemDialogs: words } = more
  const { report, failure, message: reason } = preview ?? {}
  return (
    <div class="preview">
      <div role="status">
        {preview === undefined && <p class="muted">{words.bulkEnter}</p>}
        {report !== undefined && <Counts kind={kind} report={report} />}
      </div>
      <Failure message={reason} />
      {failure !== undefined && (
        <div role="alert">
          <p class="error">{words.bulkRefused(failure.problem?.failed ?? failure.errors.length)}</p>
          <ul>
            {[...new Set(failure.errors.map(reasonOf))].slice(0, 5).map((message) => (
              <li key={message}>{message}</li>
            ))}
          </ul>
        </div>
      )}
      {report !== undefined && report.changes.length > 0 && (
        <div
          class="preview-table"
          // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- Keys must be able to scroll it.
          tabIndex={0}
          role="region"
          aria-label={words.previewOf(report.changes.length)}
        >
          <PreviewTable kind={kind} items={report.changes} isCurrent={isCurrent} />
        </div>
      )}
    </div>
  )
}

function reasonOf({ type }: StockroomError['errors'][number]): string {
  const { refusals } = more.itemDialogs
  return (refusals as Record<string, string>)[type] ?? refusals.other
}

function Counts({ kind, report }: { kind: BulkKind; report: BulkReport }) {
  const { itemDialogs: words } = more
  const lines = [
    report.changed > 0 ? words.willChange(kind, report.changed) : words.nothingToChange,
    report.unchanged > 0 && words.unchanged(report.unchanged),
    report.not_owned > 0 && words.notOwned(report.not_owned),
    report.not_found > 0 && words.notFound(report.not_found),
  ]
  return <p>{lines.filter(Boolean).join(' ')}</p>
}

function PreviewTable({ kind, items, isCurrent }: { kind: BulkKind; items: ItemChange[]; isCurrent: boolean }) {
  const { items: words } = text
  const { itemDialogs: dialogs } = more
  return (
    <table class="entries" inert={!isCurrent}>
      <thead>
        <tr>
          <th scope="col">{words.name}</th>
          <th scope="col" class="number">
            {kind === 'delete' ? words.price : dialogs.now}
          </th>
          {kind === 'change' && (
            <th scope="col" class="number">
              {dialogs.afterwards}
            </th>
          )}
        </tr>
      </thead>
      <tbody>
        {items.map(({ item_id, name, fields }) => {
          const [field] = changedFields(fields)
          return (
            <tr key={item_id}>
              <th scope="row" class="name">
                {name}
              </th>
              {kind === 'delete' ? (
                <td class="number">{money(fields.price_usd?.[0] ?? 0)}</td>
              ) : (
                field !== undefined && (
                  <>
                    <td class="number muted">{valueText(field, fields[field]?.[0])}</td>
                    <td class="number">{valueText(field, fields[field]?.[1])}</td>
                  </>
                )
              )}
            </tr>
          )
        })}
      </tbody>
    </table>
  )
}

function changedFields(fields: ItemChange['fields']): (keyof ItemChange['fields'])[] {
  return (['price_usd', 'category', 'in_stock'] as const).filter((name) => fields[name] !== undefined)
}
