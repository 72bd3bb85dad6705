import { useRef, useState } from 'preact/hooks'

import { type ItemCreate, StockroomError } from '../api.ts'
import { useDraft } from '../drafts.ts'
import { explain } from '../explain.ts'
import { parsePrice } from '../format.ts'
import { more } from '../text/more.ts'
import { text } from '../text/text.ts'
import { focusFirstError } from '../ui/field.tsx'
import { type FormField, isComplete, type ItemForm, lengthOf, longestName, readForm } from './form.ts'

type Errors = Partial<Record<FormField, string>>

/** The state of the form of an item, and of sending it. */
export function useItemForm(initial: ItemForm) {
  const [base, setBase] = useState(initial)
  const [form, setForm] = useState(initial)
  const [errors, setErrors] = useState<Errors>({})
  const [failure, setFailure] = useState<string>()
  const [isBusy, setIsBusy] = useState(false)
  const element = useRef<HTMLFormElement>(null)
  const isDirty = JSON.stringify(form) !== JSON.stringify(base)
  useDraft(isDirty)

  const showErrors = (next: Errors) => {
    setErrors(next)
    requestAnimationFrame(() => focusFirstError(element.current))
  }

  return {
    form,
    errors,
    failure,
    isBusy,
    isDirty,
    element,
    setFailure,
    change: (changes: Partial<ItemForm>) => {
      setForm((before) => ({ ...before, ...changes }))
      setErrors({})
    },
    /** Begins again with other values. */
    reset: (next: ItemForm) => {
      setBase(next)
      setForm(next)
      setErrors({})
      setFailure(undefined)
    },
    /** Sends the values if all are valid. Errors of the service are shown at their fields. */
    submit: async (send: (values: ItemCreate) => Promise<void>) => {
      if (isBusy) return
      const values = readForm(form, parsePrice)
      if (!isComplete(values)) {
        showErrors(missing(form, values))
        return
      }
      setIsBusy(true)
      setFailure(undefined)
      try {
        await send(values)
      } catch (error) {
        const found = fieldErrors(error)
        if (Object.keys(found).length > 0) showErrors(found)
        else setFailure(explain(error))
      }
      setIsBusy(false)
    },
  }
}

function missing(form: ItemForm, values: Partial<ItemCreate>): Errors {
  const { items: words } = text
  const { itemDialogs: dialogs } = more
  return {
    ...(values.name === undefined && {
      name: lengthOf(form.name.trim()) > longestName ? dialogs.longName : dialogs.noName,
    }),
    ...(values.category === undefined && { category: dialogs.noCategory }),
    ...(values.price_usd === undefined && { price_usd: words.notAPrice }),
  }
}

function fieldErrors(error: unknown): Errors {
  if (!(error instanceof StockroomError) || error.code !== 'invalid_request') return {}
  const { itemDialogs: dialogs } = more
  const messages: Record<FormField, (part: { type: string; msg: string }) => string> = {
    name: ({ type }) => (type === 'string_too_long' ? dialogs.longName : dialogs.badName),
    category: () => dialogs.noCategory,
    price_usd: () => text.items.notAPrice,
    in_stock: ({ msg }) => msg,
  }
  const found = error.errors.flatMap((part) => {
    const field = 'loc' in part ? String(part.loc.at(-1)) : ''
    return field in messages ? [[field, messages[field as FormField](part)] as const] : []
  })
  return Object.fromEntries(found)
}
