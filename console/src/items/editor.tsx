import { useEffect, useState } from 'preact/hooks'

import { client, type Item, type ItemCreate } from '../api.ts'
import { discardDrafts } from '../drafts.ts'
import { plainPrice } from '../format.ts'
import { canWrite } from '../session.ts'
import { more } from '../text/more.ts'
import { text } from '../text/text.ts'
import { Failure } from '../ui/action.tsx'
import { DialogFoot } from '../ui/dialog-foot.tsx'
import { SubmitForm } from '../ui/submit-form.tsx'
import { toast } from '../ui/toasts.tsx'
import { closeDrawer } from './close-drawer.ts'
import { Conflicts } from './conflicts.tsx'
import { deleteItem } from './delete-item.ts'
import { changesOf, conflictsOf, type FormField, formFields, toForm } from './form.ts'
import { lastEditor } from './history.ts'
import { ItemFields } from './item-fields.tsx'
import { isConflict } from './price.ts'
import { ReadOnlyItem } from './read-only-item.tsx'
import { ownWrite, readItem, showSaved, tagOf } from './store.ts'
import { useItemForm } from './use-item-form.ts'

interface EditorProps {
  item: Item
  onReload: () => void
}

/** Fields to which the manager and someone else gave different values. */
export interface Conflict {
  fields: FormField[]
  latest: Item
  by: string
}

export function ItemEditor({ item, onReload }: EditorProps) {
  return canWrite(item.store_manager_id) ? <OwnItem item={item} onReload={onReload} /> : <ReadOnlyItem item={item} />
}

function OwnItem({ item, onReload }: EditorProps) {
  const { items: words } = text
  const { itemDialogs: dialogs } = more
  // The version that the fields are based on; a conflict replaces it by the latest one.
  const [base, setBase] = useState(item)
  const [conflict, setConflict] = useState<Conflict>()
  const { form, errors, failure, isBusy, isDirty, element, change, reset, submit } = useItemForm(
    toForm(item, plainPrice),
  )
  // Input is never replaced: if the item has changed meanwhile, saving asks which value counts.
  useEffect(() => {
    if (isDirty) return
    setBase(item)
    reset(toForm(item, plainPrice))
  }, [item.version])

  const save = async (values: ItemCreate, from = base): Promise<void> => {
    const changes = changesOf(values, from)
    if (Object.keys(changes).length === 0) {
      finish()
      return
    }
    try {
      const saved = showSaved(await client.items.update(item.id, changes, { ifMatch: tagOf(from) }), from)
      const former = Object.fromEntries(Object.keys(changes).map((field) => [field, from[field as FormField]]))
      finish()
      const undo = async () => {
        showSaved(await client.items.update(item.id, former, { ifMatch: tagOf(saved) }), saved)
      }
      toast(dialogs.saved(saved.name), { undo })
    } catch (error) {
      const latest = isConflict(error) ? await readItem(item.id) : undefined
      if (latest === undefined) throw error
      const fields = conflictsOf(changes, from, latest)
      setBase(latest)
      ownWrite(latest)
      // What the manager left as it was follows the latest version.
      for (const field of formFields) if (!(field in changes)) change(valueOf(field, latest))
      // Where only other fields have changed, nothing needs a decision.
      if (fields.length === 0) await save({ ...pick(latest), ...changes }, latest)
      else
        setConflict({ fields, latest, by: (await lastEditor(item.id, true).catch(() => undefined)) ?? words.someone })
    }
  }
  const isUndecided = conflict !== undefined && conflict.fields.length > 0
  const run = () => {
    if (!isUndecided) void submit(save)
  }
  return (
    <SubmitForm element={element} onSubmit={run}>
      <ItemFields form={form} errors={errors} onChange={change} />
      {conflict !== undefined && isUndecided && (
        <Conflicts
          conflict={conflict}
          form={form}
          onDecide={(field, isTheirs) => {
            if (isTheirs) change(valueOf(field, conflict.latest))
            setConflict({ ...conflict, fields: conflict.fields.filter((each) => each !== field) })
          }}
        />
      )}
      <Failure message={failure} />
      <DialogFoot action={dialogs.save} isOff={isBusy || isUndecided || !isDirty} onCancel={closeDrawer}>
        <button type="button" class="quiet danger-link" onClick={() => void deleteItem(base, onReload)}>
          {dialogs.deleteItem}
        </button>
        <span class="spacer" />
      </DialogFoot>
    </SubmitForm>
  )
}

function pick({ name, category, price_usd, in_stock }: Item): ItemCreate {
  return { name, category, price_usd, in_stock }
}

function valueOf(field: FormField, latest: Item) {
  const { name, category, price, isInStock } = toForm(latest, plainPrice)
  return { name: { name }, category: { category }, price_usd: { price }, in_stock: { isInStock } }[field]
}

function finish(): void {
  discardDrafts()
  closeDrawer()
}
