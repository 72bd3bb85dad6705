import { client, type Item } from '../api.ts'
import { discardDrafts, hasDrafts } from '../drafts.ts'
import { explain } from '../explain.ts'
import { text } from '../text/text.ts'
import { confirm } from '../ui/confirm.ts'
import { toast } from '../ui/toasts.tsx'
import { closeDrawer } from './close-drawer.ts'
import { isConflict } from './price.ts'
import { reloadList, tagOf } from './store.ts'

/** Deletes an item after a confirmation, if it still is as the manager sees it. */
export async function deleteItem(item: Item, onChanged: () => void): Promise<void> {
  const { items: words } = text
  const body = hasDrafts() ? words.deleteDraft : words.deleteBody
  const question = { title: words.deleteTitle(item.name), body, action: words.deleteAction, isDanger: true }
  if (!(await confirm(question))) return
  try {
    await client.items.remove(item.id, { ifMatch: tagOf(item) })
  } catch (error) {
    toast(isConflict(error) ? words.deleteConflict(item.name) : explain(error))
    if (isConflict(error)) onChanged()
    return
  }
  discardDrafts()
  closeDrawer()
  reloadList()
  toast(words.deleted(item.name), { undo: () => restore(item.id) })
}

/** Undoes the deletion of an item. */
export async function restore(id: string): Promise<void> {
  const { entries } = await client.changes.ofItem(id, { limit: 1 })
  const [entry] = entries
  if (entry?.kind === 'delete') await client.changes.undo(entry.change.id)
  reloadList()
}
