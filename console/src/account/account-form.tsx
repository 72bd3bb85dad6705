import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

import { Field } from '../ui/field.tsx'
import { Form, FormError, type FormErrors, useForm } from '../ui/form.tsx'
import { type AccountField, errorsOf, missingIn } from './problems.ts'

interface FieldWords {
  label: string
  hint?: string
  autocomplete: AutoFill
  /** Before the manager changes it. */
  initial?: string
}

interface Props<Name extends AccountField> {
  fields: Record<Name, FieldWords>
  /** What the values are for. A failure is reported at the field that it is about. */
  send: (values: Record<Name, string>) => Promise<FormErrors<Name> | undefined | void>
  /** On the button. */
  action: string
  isPrimary?: boolean
  /** The first field takes the focus. */
  isFocused?: boolean
  /** The button is off as long as nothing was changed. */
  isForChanges?: boolean
  /** After the fields. */
  children?: ComponentChildren
}

const secret = new Set<AccountField>(['password', 'current_password'])

/** A form of fields of an account. */
export function AccountForm<Name extends AccountField>(props: Props<Name>) {
  const { fields, action, isPrimary = false, isFocused = false, isForChanges = false, children } = props
  const names = Object.keys(fields) as Name[]
  const valuesOf = (valueOf: (name: Name) => string) =>
    Object.fromEntries(names.map((name) => [name, valueOf(name)])) as Record<Name, string>
  const { values, error, isBusy, isChanged, field, form, reset } = useForm(
    valuesOf((name) => fields[name].initial ?? ''),
  )
  const top = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (isFocused) top.current?.querySelector('input')?.focus()
  }, [])
  const send = async () => {
    const missing = missingIn(values)
    if (missing) return missing
    const sent = valuesOf((name) => (secret.has(name) ? values[name] : values[name].trim()))
    try {
      const wrong = await props.send(sent)
      if (wrong) return wrong
    } catch (failure) {
      return errorsOf(failure) as FormErrors<Name>
    }
    reset(valuesOf((name) => (secret.has(name) ? '' : sent[name])))
    return undefined
  }
  return (
    <Form {...form(send)}>
      <div class="stack" ref={top}>
        {names.map((name) => {
          const { label, hint, autocomplete } = fields[name]
          return (
            <Field
              key={name}
              {...field(name)}
              label={label}
              hint={hint}
              type={secret.has(name) ? 'password' : 'text'}
              {...(name === 'email' && { inputMode: 'email' as const })}
              autocomplete={autocomplete}
            />
          )
        })}
        <FormError>{error}</FormError>
        {children}
        <button
          type="submit"
          class={isPrimary ? 'primary' : 'start'}
          aria-disabled={isBusy || (isForChanges && !isChanged)}
        >
          {action}
        </button>
      </div>
    </Form>
  )
}
