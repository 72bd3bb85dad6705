import { client, type ItemVersion } from '../api.ts'
import { session } from '../session.ts'
import { text } from '../text/text.ts'

/** "You", or the name of the manager at that time; an operator has none. `inside`: of a sentence. */
export function authorOf({ change }: Pick<ItemVersion, 'change'>, inside = false): string {
  const { store_manager: manager } = change
  if (manager === null) return inside ? text.items.theOperator : text.items.operator
  if (manager.id !== session.peek()?.manager?.id) return manager.name
  return inside ? text.items.byYou : text.shell.you
}

/** Who changed or deleted the item last; undefined if its history is gone. */
export async function lastEditor(id: string, inside = false): Promise<string | undefined> {
  const { entries } = await client.changes.ofItem(id, { limit: 1 })
  return entries[0] === undefined ? undefined : authorOf(entries[0], inside)
}

/** Whether the entry can be undone by itself: its change set has no other item, and no other change came after it. */
export function canUndo({ change, version }: ItemVersion, latest: number | undefined): boolean {
  const isAlone = change.created + change.updated + change.deleted === 1
  return isAlone && version === latest && change.undone_by === undefined
}
