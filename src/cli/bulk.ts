import { type BulkReport, type BulkRequest, type Client, StockroomError } from '../client/client.ts'
import { CliError, usageError } from './errors.ts'
import { type SelectionOptions, toQuery } from './filter-options.ts'
import { inOptions } from './option-names.ts'
import { print } from './output.ts'
import { confirm } from './questions.ts'
import { visible } from './terminal.ts'

export interface BulkOptions extends SelectionOptions {
  id?: string[]
  setCategory?: string
  setPrice?: number
  setInStock?: boolean
  pricePercent?: number
  priceAdd?: number
  round?: number
  delete?: true
  dryRun?: true
  expect?: number
  yes?: true
  json?: boolean
}

/** Lines that are shown of a preview, and of the items that cannot be changed. */
const shownLines = 10
const shownErrors = 25

export async function changeInBulk(client: Client, options: BulkOptions): Promise<void> {
  const { dryRun = false, yes, json } = options
  const request = toRequest(options)
  if (!dryRun && !yes) {
    if (!process.stdin.isTTY) throw usageError('There is no terminal to confirm on. Pass --dry-run or --yes.')
    const preview = await send(client, request, true, json)
    if (preview.changed === 0) return print({ json }, preview, () => [summaryOf(preview)])
    for (const line of [...changesOf(preview), summaryOf(preview)]) console.error(line)
    await confirm(`${questionOf(preview, options)} Type yes: `, 'Nothing was changed.')
    request.expect = { matched: preview.matched }
  }
  const report = await send(client, request, dryRun, json)
  print({ json }, report, () => [...(dryRun ? changesOf(report) : []), summaryOf(report)])
}

function toRequest(options: BulkOptions): BulkRequest {
  const { id: ids, expect } = options
  const filters = toQuery(options)
  if (ids && Object.keys(filters).length > 0) throw usageError('--id cannot be combined with filters. Use one of them.')
  return {
    select: ids ? { ids } : { filters },
    change: toChange(options),
    ...(expect !== undefined && { expect: { matched: expect } }),
  }
}

function toChange(options: BulkOptions): BulkRequest['change'] {
  const { setCategory, setPrice, setInStock, pricePercent, priceAdd, round } = options
  const set = given({ category: setCategory, price_usd: setPrice, in_stock: setInStock })
  const price = given({ percent: pricePercent, add: priceAdd, round })
  const changes = [
    Object.keys(set).length > 0 && { set },
    Object.keys(price).length > 0 && { price },
    options.delete && ('delete' as const),
  ].filter((change) => change !== undefined && change !== false)
  const [change] = changes
  if (change === undefined || changes.length > 1)
    throw usageError('Pass one kind of change: --set-…, --price-percent or --price-add, or --delete.')
  return change
}

function given(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
}

async function send(client: Client, request: BulkRequest, dryRun: boolean, json = false): Promise<BulkReport> {
  try {
    return await client.items.bulk(request, { dryRun })
  } catch (error) {
    if (!(error instanceof StockroomError) || json) throw error
    if (error.code === 'precondition_required') throw new CliError(inOptions(error.message))
    if (error.code === 'bulk_failed') for (const line of errorsOf(error)) console.error(line)
    throw error
  }
}

function errorsOf({ errors, problem }: StockroomError): string[] {
  const lines = errors.slice(0, shownErrors).map((error) => {
    const { item_id: id, msg } = { item_id: '', ...error }
    return visible(`${id}: ${inOptions(msg)}`)
  })
  return [...lines, ...rest((problem?.failed ?? errors.length) - lines.length, '')]
}

export function changesOf({ changes, changed }: BulkReport): string[] {
  const lines = changes.slice(0, shownLines).map(({ name, kind, fields }) => {
    const pairs = Object.entries(fields) as [string, unknown[]][]
    const differences = pairs.map(
      ([field, values]) => `${field} ${values.map((each) => JSON.stringify(each)).join(' → ')}`,
    )
    return visible(`${name}: ${kind === 'delete' ? 'deleted' : differences.join(', ')}`)
  })
  return [...lines, ...rest(changed - lines.length, ' changes')]
}

function rest(left: number, what: string): string[] {
  return left > 0 ? [`… and ${left.toLocaleString('en')} more${what}.`] : []
}

export function summaryOf(report: BulkReport): string {
  const { matched, changed, unchanged, not_owned: notOwned, not_found: notFound, dry_run: isDry, change } = report
  const counts = Object.entries({
    Matched: matched,
    changed,
    unchanged,
    'not owned': notOwned,
    ...(notFound > 0 && { 'not found': notFound }),
  })
  const line = counts.map(([what, count]) => `${what} ${count.toLocaleString('en')}`).join(', ')
  if (isDry) return `${line}. Dry run: nothing was changed.`
  return change ? `${line}. Change set: ${visible(change.id)}` : `${line}.`
}

function questionOf({ changed }: BulkReport, options: BulkOptions): string {
  const items = changed === 1 ? '1 item' : `${changed.toLocaleString('en')} items`
  return `${options.delete ? 'Delete' : 'Change'} ${items}?`
}
