import {
  type ChangeSet,
  type ChangesPage,
  type ChangesQuery,
  type Client,
  type ItemChange,
  StockroomError,
  type UndoConflict,
  type UndoReport,
} from '../client/client.ts'
import { exitCodes, thisCommand } from './errors.ts'
import { fieldLines, heading, moment, print } from './output.ts'
import { visible } from './terminal.ts'

interface JsonOption {
  json?: boolean
}

export interface ListOptions extends JsonOption {
  mine?: boolean
  manager?: string
  kind?: string
  item?: string
  since?: string
  until?: string
  limit: number
}

const page = 1000
const shownReasons = 25

export async function list(client: Client, options: ListOptions): Promise<void> {
  const { mine, manager, kind, item, since, until, limit } = options
  const query = { manager: mine ? (await client.me.get()).id : manager, kind, item, since, until }
  const { entries, isMore } = await gather(limit, (place) =>
    client.changes.list({ ...(query as ChangesQuery), ...place }),
  )
  print(options, entries, () => [tableHeading(), ...entries.map(tableRow)])
  if (isMore && !options.json) console.error('There are more changes. Use --limit to show them.')
}

export async function show(client: Client, id: string, options: JsonOption & { limit: number }): Promise<void> {
  const set = await client.changes.get(id)
  const { entries, isMore } = await gather(options.limit, (place) => client.changes.items(id, place))
  print(options, { ...set, items: entries }, () => {
    const { store_manager: manager, ...others } = set
    const { id: setId, at, kind, source, ...rest } = others
    const who = { store_manager: manager === null ? null : manager.name }
    return [...fieldLines({ id: setId, at, kind, source, ...who, ...rest }), '', ...entries.map(describeChange)]
  })
  if (isMore && !options.json) console.error('There are more items. Use --limit to show them.')
}

export async function undo(
  client: Client,
  id: string,
  { json, dryRun, skipConflicts }: JsonOption & { dryRun?: true; skipConflicts?: true },
): Promise<void> {
  const onConflict = skipConflicts ? 'skip' : 'stop'
  const report = await client.changes.undo(id, { dryRun, onConflict }).catch((error: unknown) => {
    const { conflicts = [], conflicting = 0 } = (error instanceof StockroomError && error.problem) || {}
    if (!json) tellConflicts(conflicts, conflicting)
    throw error
  })
  if (report.conflicting > 0) process.exitCode = exitCodes.failed
  if (!json) tellConflicts(report.conflicts, report.conflicting)
  print({ json }, report, () => [...changesOf(report), summaryOf(report)])
}

async function gather<Entry>(
  limit: number,
  read: (place: { limit: number; after?: string }) => Promise<ChangesPage<Entry>>,
): Promise<{ entries: Entry[]; isMore: boolean }> {
  const entries: Entry[] = []
  let next: string | undefined
  do {
    const place = { limit: Math.min(page, limit - entries.length), ...(next !== undefined && { after: next }) }
    const found = await read(place)
    entries.push(...found.entries)
    next = found.next
  } while (next !== undefined && entries.length < limit)
  return { entries, isMore: next !== undefined }
}

function tableHeading(): string {
  const counts = ['CREATED', 'UPDATED', 'DELETED'].join('  ')
  return heading(`${'ID'.padEnd(36)}  ${'TIME'.padEnd(16)}  ${'KIND'.padEnd(8)}  ${counts}  MANAGER`)
}

function tableRow({ id, at, kind, created, updated, deleted, store_manager: manager }: ChangeSet): string {
  const counts = [created, updated, deleted].map((count) => String(count).padStart(7)).join('  ')
  const time = moment(new Date(at)).padEnd(16)
  return `${visible(id)}  ${time}  ${visible(kind).padEnd(8)}  ${counts}  ${visible(manager?.name ?? 'operator')}`
}

function describeChange({ name, kind, fields }: ItemChange): string {
  const pairs = Object.entries(fields).map(([field, pair]) => {
    const [before, after] = pair as unknown[]
    return `${field} ${JSON.stringify(before)} → ${JSON.stringify(after)}`
  })
  return visible(`${name}: ${kind === 'update' ? pairs.join(', ') : `${kind}d`}`)
}

function changesOf({ changes, created, updated, deleted }: UndoReport): string[] {
  const left = created + updated + deleted - changes.length
  return [...changes.map(describeChange), ...(left > 0 ? [`… and ${left.toLocaleString('en')} more changes.`] : [])]
}

function summaryOf({ dry_run: isDry, change, created, updated, deleted, conflicting }: UndoReport): string {
  const counts = Object.entries({ Created: created, updated, deleted, skipped: conflicting })
  const line = counts.map(([what, count]) => `${what} ${count.toLocaleString('en')}`).join(', ')
  if (isDry) return `${line}. Dry run: nothing was written.`
  if (change === null) return `${line}. Nothing was written.`
  return `${line}. To undo this: ${thisCommand} undo ${visible(change.id)}`
}

const reasons: Record<string, string> = {
  changed: 'has changed since',
  deleted: 'was deleted since',
  exists: 'exists again',
  not_owner: 'belongs to another manager',
  owner_deleted: 'the account of its owner was deleted',
}

function tellConflicts(conflicts: UndoConflict[], total: number): void {
  for (const { name, item_id: id, reason } of conflicts.slice(0, shownReasons))
    console.error(visible(`${name} (${id}): ${reasons[reason] ?? reason}`))
  const left = total - Math.min(conflicts.length, shownReasons)
  if (left > 0) console.error(`… and ${left.toLocaleString('en')} more.`)
}
