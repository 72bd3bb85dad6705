import { type Client, type Item, type ItemCreate, type ItemUpdate, versionOf } from '../client/client.ts'
import { usageError } from './errors.ts'
import { type SelectionOptions, toQuery } from './filter-options.ts'
import { describeItem, print, tableHeading, tableRow, toJson } from './output.ts'
import { visible } from './terminal.ts'

interface JsonOption {
  json?: boolean
}

interface VersionOption {
  ifVersion?: string
}

const page = 1000

export async function list(client: Client, options: SelectionOptions & JsonOption & { limit: number; all?: boolean }) {
  const most = options.all ? Infinity : options.limit
  const query = { ...toQuery(options), limit: Math.min(most, page) }
  let shown = 0
  let isMore = false
  for await (const { items, next } of client.items.pages(query)) {
    const wanted = items.slice(0, most - shown)
    const lines = wanted.map((item, at) =>
      options.json ? (shown + at === 0 ? '[' : ',') + toJson(item) : tableRow(item),
    )
    if (shown === 0 && !options.json) console.log(tableHeading())
    if (lines.length > 0) console.log(lines.join('\n'))
    shown += wanted.length
    isMore = next !== undefined || wanted.length < items.length
    if (shown >= most) break
  }
  if (options.json) console.log(shown === 0 ? '[]' : ']')
  else if (isMore) console.error('There are more items. Use --limit or --all to show them.')
}

export async function get(client: Client, id: string, options: JsonOption): Promise<void> {
  show(await client.items.get(id, { expand: 'dates' }), options)
}

export async function add(client: Client, item: ItemCreate, options: JsonOption): Promise<void> {
  show(await client.items.create(item), options)
}

export async function set(client: Client, id: string, changes: ItemUpdate, options: JsonOption & VersionOption) {
  if (Object.keys(changes).length === 0)
    throw usageError('Nothing to update. Pass --name, --category, --price, --in-stock, or --out-of-stock.')
  show(await client.items.update(id, changes, { ifMatch: tagOf(options) }), options)
}

export async function remove(client: Client, ids: string[], options: JsonOption & VersionOption): Promise<void> {
  if (options.ifVersion !== undefined && ids.length > 1)
    throw usageError('--if-version applies to one item. Pass one ID.')
  for (const id of ids) {
    await client.items.remove(id, { ifMatch: tagOf(options) })
    print(options, { deleted: id }, () => [`Deleted ${visible(id)}.`])
  }
}

function tagOf({ ifVersion: version }: VersionOption): string | undefined {
  return version === undefined ? undefined : `"${version}"`
}

function show(item: Item, options: JsonOption): void {
  const version = versionOf(item)?.replaceAll('"', '')
  print(options, { ...item, version }, () => describeItem(item, version))
}
