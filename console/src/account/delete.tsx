import { useState } from 'preact/hooks'

import { client, StockroomError } from '../api.ts'
import { hrefOf } from '../route.ts'
import { more } from '../text/more.ts'
import { DialogFoot } from '../ui/dialog-foot.tsx'
import { Field } from '../ui/field.tsx'
import { Form, FormError, useForm } from '../ui/form.tsx'
import { Modal } from '../ui/modal.tsx'
import { errorsOf, missingIn } from './problems.ts'

export function DeleteAccount() {
  const { account: words } = more
  const [isAsking, setIsAsking] = useState(false)
  return (
    <>
      <p class="muted">{words.deleteHint}</p>
      <div>
        <button type="button" class="danger-link" onClick={() => setIsAsking(true)}>
          {words.deleteAction}
        </button>
      </div>
      {isAsking && <DeleteDialog onClose={() => setIsAsking(false)} />}
    </>
  )
}

function DeleteDialog({ onClose }: { onClose: () => void }) {
  const { account: words } = more
  const { values, error, isBusy, field, form } = useForm({ current_password: '' })
  const [owned, setOwned] = useState<number>()
  const send = async () => {
    const missing = missingIn(values)
    if (missing) return missing
    setOwned(undefined)
    try {
      await client.me.remove(values)
    } catch (failure) {
      if (!(failure instanceof StockroomError) || failure.code !== 'manager_owns_items') return errorsOf(failure)
      setOwned(failure.problem?.items ?? 1)
      return { fields: {} }
    }
    // The page must keep nothing of the account.
    location.assign(hrefOf('sign-in'))
    return undefined
  }
  return (
    <Modal title={words.deleteTitle} isAlert onClose={onClose}>
      <Form {...form(send)}>
        <p>{words.deleteBody}</p>
        <Field {...field('current_password')} label={words.present} type="password" autocomplete="current-password" />
        <FormError>
          {owned === undefined ? (
            error
          ) : (
            <>
              {words.ownsItems(owned)} <a href={hrefOf('items', 'owner=me')}>{words.showItems}</a>
            </>
          )}
        </FormError>
        <DialogFoot action={words.deleteConfirm} isDanger isOff={isBusy} onCancel={onClose} />
      </Form>
    </Modal>
  )
}
