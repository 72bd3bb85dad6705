import { useRef } from 'preact/hooks'

import { client, type ItemCreate } from '../api.ts'
import { discardDrafts } from '../drafts.ts'
import { more } from '../text/more.ts'
import { text } from '../text/text.ts'
import { Failure } from '../ui/action.tsx'
import { DialogFoot } from '../ui/dialog-foot.tsx'
import { useTitle } from '../ui/heading.tsx'
import { Modal } from '../ui/modal.tsx'
import { SubmitForm } from '../ui/submit-form.tsx'
import { toast } from '../ui/toasts.tsx'
import { closeDrawer } from './close-drawer.ts'
import { emptyItem } from './form.ts'
import { ItemFields } from './item-fields.tsx'
import { ownWrite, reloadList, tagOf, withVersion } from './store.ts'
import { useItemForm } from './use-item-form.ts'

export function NewItem() {
  const { items: words } = text
  const { itemDialogs: dialogs } = more
  const { form, errors, failure, isBusy, element, change, submit } = useItemForm(emptyItem)
  // A repeated attempt with the same values must not create a second item.
  const keys = useRef(new Map<string, string>())
  useTitle(words.newItem)
  const create = async (values: ItemCreate) => {
    const content = JSON.stringify(values)
    const key = keys.current.get(content) ?? randomKey()
    keys.current.set(content, key)
    const item = withVersion(await client.items.create(values, { key }))
    ownWrite(item)
    discardDrafts()
    closeDrawer()
    reloadList()
    const undo = async () => {
      await client.items.remove(item.id, { ifMatch: tagOf(item) })
      reloadList()
    }
    toast(dialogs.created(item.name), { undo })
  }
  return (
    <Modal kind="drawer" title={words.newItem} onClose={closeDrawer}>
      <SubmitForm element={element} onSubmit={() => void submit(create)}>
        <ItemFields form={form} errors={errors} onChange={change} />
        <Failure message={failure} />
        <DialogFoot action={dialogs.create} isOff={isBusy} onCancel={closeDrawer} />
      </SubmitForm>
    </Modal>
  )
}

/** Browsers have crypto.randomUUID only on secure pages. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
