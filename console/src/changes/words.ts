import type { Category, ChangeSet, ItemChange, UndoConflict } from '../api.ts'
import { money } from '../format.ts'
import { me, session } from '../session.ts'
import { more } from '../text/more.ts'
import { text } from '../text/text.ts'

type Counts = Pick<ChangeSet, 'created' | 'updated' | 'deleted'>

export function sizeOf({ created, updated, deleted }: Counts): number {
  return created + updated + deleted
}

/** Such as `Import: 120 new, 8 changed`. */
export function titleOf(set: ChangeSet): string {
  const { changes: words } = more
  const kind = (words.kinds as Record<string, string>)[set.kind] ?? words.otherKind
  return sizeOf(set) <= 1 ? kind : `${kind}: ${countsOf(set)}`
}

export function countsOf({ created, updated, deleted }: Counts): string {
  const { changes: words } = more
  const parts = [
    created > 0 && words.created(created),
    updated > 0 && words.updated(updated),
    deleted > 0 && words.deleted(deleted),
  ]
  return parts.filter((part) => part !== false).join(', ')
}

export function whoOf({ store_manager: manager }: ChangeSet): string {
  if (!manager) return more.changes.operator
  return manager.id === me().id ? text.shell.you : manager.name
}

/** Whether the manager may try: only the owner of an item can, unless all managers may. */
export function mayUndo({ store_manager: manager, undone_by }: ChangeSet): boolean {
  return undone_by === undefined && (session.value?.item_writes === 'shared' || manager?.id === me().id)
}

export type FieldName = keyof ItemChange['fields']

export interface FieldChange {
  name: FieldName
  /** Undefined for an item that did not exist before. */
  before: string | undefined
  /** Undefined for an item that was deleted. */
  after: string | undefined
}

const fieldOrder: FieldName[] = ['name', 'category', 'price_usd', 'in_stock', 'store_manager_id']

/** The changed fields of an item, in words. The owner of a new or deleted item is who did it, so it is left out. */
export function fieldChanges({ kind, fields }: ItemChange): FieldChange[] {
  return fieldOrder.flatMap((name) => {
    const [before, after] = fields[name] ?? []
    if ((before ?? null) === null && (after ?? null) === null) return []
    if (kind !== 'update' && (name === 'name' || name === 'store_manager_id')) return []
    return { name, before: valueOf(name, before), after: valueOf(name, after) }
  })
}

export function valueOf(name: FieldName, value: string | number | boolean | null | undefined): string | undefined {
  const { changes: words } = more
  const { items } = text
  if (value === null || value === undefined) return undefined
  if (typeof value === 'boolean') return value ? items.inStock : items.soldOut
  if (typeof value === 'number') return money(value)
  if (name === 'category') return items.categories[value as Category] ?? value
  if (name === 'store_manager_id') return value === me().id ? words.yourself : words.otherOwner
  return value
}

/** Such as `changed since, now $5.49`, with the fields that the change to undo has changed. */
export function reasonOf({ reason, current }: UndoConflict, change: ItemChange | undefined): string {
  const { changes: words } = more
  const because = (words.reasons as Record<string, string>)[reason] ?? words.otherReason
  if (reason !== 'changed' || !current) return because
  const names = fieldOrder.filter(
    (name) => name !== 'store_manager_id' && (change ? change.fields[name] : name !== 'name'),
  )
  const values = names.map((name) => valueOf(name, current[name as keyof typeof current]))
  return values.length === 0 ? because : `${because}, ${words.now(values.join(', '))}`
}
