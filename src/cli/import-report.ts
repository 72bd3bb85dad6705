import type { ImportReport, ItemCreate } from '../client/client.ts'
import { inOptions } from './option-names.ts'
import { visible } from './terminal.ts'

const most = { kinds: 25, lines: 3 }

export function summaryOf(result: ImportReport): string {
  const { dry_run: isDry, created, updated, unchanged, failed } = result
  const counts = Object.entries({ Created: created, updated, unchanged, failed })
  const line = counts.map(([what, count]) => `${what} ${count.toLocaleString('en')}`).join(', ')
  if (isDry) return `${line}. Dry run: nothing was written.`
  return failed > 0 && created + updated === 0 ? `${line}. Nothing was written.` : `${line}.`
}

export function changesOf({ changes = [], updated }: ImportReport, file: string): string[] {
  const left = updated - changes.length
  return [
    ...changes.map(({ line, before, after }) =>
      visible(`${file}:${line}: ${before.name}: ${difference(before, after)}`),
    ),
    ...(changes.length > 0 && left > 0 ? [`… and ${left.toLocaleString('en')} more changes.`] : []),
  ]
}

function difference(before: ItemCreate, after: ItemCreate): string {
  const columns = (['name', 'category', 'price_usd', 'in_stock'] as const).filter(
    (name) => before[name] !== after[name],
  )
  return columns.map((name) => `${name} ${JSON.stringify(before[name])} → ${JSON.stringify(after[name])}`).join(', ')
}

export function noRows({ created, updated, unchanged, failed }: ImportReport): string[] {
  return created + updated + unchanged + failed === 0 ? ['The file has no rows below its header.'] : []
}

export function sameNames({ same_name: count = 0 }: ImportReport): string[] {
  if (count === 0) return []
  const which = count === 1 ? '1 new item has' : `${count.toLocaleString('en')} new items have`
  return [
    `${which} the same name as an item you own. To avoid duplicates, remove these rows, or add the IDs from an export ` +
      'and use --mode upsert.',
  ]
}

export function reasons({ errors, errors_omitted: omitted }: ImportReport, file: string): string[] {
  const kinds = Map.groupBy(errors, ({ column, msg }) => `${column === null ? '' : `${column}: `}${inOptions(msg)}`)
  const shown = [...kinds].slice(0, most.kinds)
  const left = omitted + errors.length - shown.reduce((sum, [, alike]) => sum + alike.length, 0)
  return [
    ...shown.map(([reason, alike]) => visible(`${file}:${linesOf(alike.map(({ line }) => line))}: ${reason}`)),
    ...(left > 0 ? [`… and ${left.toLocaleString('en')} more.`] : []),
  ]
}

function linesOf(lines: number[]): string {
  if (lines.length === 1) return String(lines[0])
  const named = lines.slice(0, most.lines)
  const last = lines.length > most.lines ? `${(lines.length - most.lines).toLocaleString('en')} more` : named.pop()
  return ` lines ${named.join(', ')} and ${last}`
}
