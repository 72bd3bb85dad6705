import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'

import { focusFirstError } from './field.tsx'
import { SubmitForm } from './submit-form.tsx'

/** What is wrong with a form: by field, and in whole. */
export interface FormErrors<Name extends string> {
  fields: Partial<Record<Name, string>>
  form?: string | undefined
}

export interface FormState<Name extends string> {
  values: Record<Name, string>
  error: string | undefined
  isBusy: boolean
  isChanged: boolean
  /** Sets all fields, and forgets the errors. */
  reset: (values: Record<Name, string>) => void
  /** The properties of a field. */
  field: (name: Name) => FieldState
  /** The properties of the form; `send` returns what is wrong. */
  form: (send: () => Promise<FormErrors<Name> | undefined>) => Omit<FormProps, 'children'>
}

interface FieldState {
  name: string
  value: string
  error: string | undefined
  required: boolean
  onInput: (event: { currentTarget: HTMLInputElement }) => void
}

export function useForm<Name extends string>(initial: Record<Name, string>): FormState<Name> {
  const [start, setStart] = useState(initial)
  const [values, setValues] = useState(initial)
  const [errors, setErrors] = useState<FormErrors<Name>>({ fields: {} })
  const [isBusy, setIsBusy] = useState(false)
  const busy = useRef(false)
  const submit = async (send: () => Promise<FormErrors<Name> | undefined>) => {
    if (busy.current) return
    busy.current = true
    setIsBusy(true)
    const wrong = await send()
    setErrors(wrong ?? { fields: {} })
    busy.current = false
    setIsBusy(false)
  }
  return {
    values,
    error: errors.form,
    isBusy,
    isChanged: (Object.keys(values) as Name[]).some((name) => values[name] !== start[name]),
    reset(next) {
      setStart(next)
      setValues(next)
      setErrors({ fields: {} })
    },
    field: (name) => ({
      name,
      value: values[name],
      error: errors.fields[name],
      required: true,
      onInput: ({ currentTarget: { value } }) => setValues((before) => ({ ...before, [name]: value })),
    }),
    form: (send) => ({ errors, onSubmit: () => void submit(send) }),
  }
}

interface FormProps {
  errors: FormErrors<string>
  onSubmit: () => void
  children: ComponentChildren
}

/** A form whose errors are at its fields. After a failure, the first wrong field takes the focus. */
export function Form({ errors, onSubmit, children }: FormProps) {
  const element = useRef<HTMLFormElement>(null)
  useEffect(() => focusFirstError(element.current), [errors])
  return (
    <SubmitForm element={element} onSubmit={onSubmit}>
      {children}
    </SubmitForm>
  )
}

/** Why the form was refused, if that is not the fault of a field. */
export function FormError({ children }: { children: ComponentChildren }) {
  return <div role="alert">{children !== undefined && <p class="error">{children}</p>}</div>
}
