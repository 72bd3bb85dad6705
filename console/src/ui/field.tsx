import type { ComponentChildren, TargetedEvent } from 'preact'
import { useId } from 'preact/hooks'

interface Common {
  label: string
  /** What is wrong with the value, and what to enter instead. */
  error?: string | undefined
  hint?: ComponentChildren
  /** Next to the label, such as the number of characters. */
  aside?: ComponentChildren
}

type OnEvent<E extends HTMLElement, T extends Event> = (event: TargetedEvent<E, T>) => void

interface InputProps extends Common {
  name: string
  /** A password has a type, an email address an input mode. */
  type?: 'text' | 'password' | 'date'
  value: string
  required?: boolean
  readOnly?: boolean
  maxLength?: number
  inputMode?: 'decimal' | 'email'
  autocomplete?: AutoFill
  onInput?: OnEvent<HTMLInputElement, InputEvent>
  onChange?: OnEvent<HTMLInputElement, Event>
  onBlur?: OnEvent<HTMLInputElement, FocusEvent>
}

interface SelectProps extends Common {
  name: string
  value: string
  disabled?: boolean
  onChange: OnEvent<HTMLSelectElement, Event>
  children: ComponentChildren
}

/** A text field with its label, its hint, and its error. */
export function Field({ label, error, hint, aside, type = 'text', ...input }: InputProps) {
  const id = useId()
  return (
    <div class="field">
      <FieldLabel id={id} label={label} aside={aside} />
      {/* The types of Preact have no union of types of input. */}
      <input
        id={id}
        type={type as 'text'}
        {...input}
        aria-invalid={error !== undefined}
        {...describedBy(id, { error, hint })}
      />
      <FieldNotes id={id} error={error} hint={hint} />
    </div>
  )
}

export function SelectField({ label, error, hint, aside, children, ...select }: SelectProps) {
  const id = useId()
  return (
    <div class="field">
      <FieldLabel id={id} label={label} aside={aside} />
      <select id={id} {...select} aria-invalid={error !== undefined} {...describedBy(id, { error, hint })}>
        {children}
      </select>
      <FieldNotes id={id} error={error} hint={hint} />
    </div>
  )
}

/** Moves the focus to the first field of a form that has an error. Call it after the errors are rendered. */
export function focusFirstError(form: HTMLElement | null): void {
  form?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
}

function FieldLabel({ id, label, aside }: { id: string; label: string; aside: ComponentChildren }) {
  return (
    <div class="field-head">
      <label for={id}>{label}</label>
      {aside !== undefined && <span class="muted">{aside}</span>}
    </div>
  )
}

function FieldNotes({ id, error, hint }: { id: string; error: string | undefined; hint: ComponentChildren }) {
  return (
    <>
      {hint !== undefined && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {error !== undefined && (
        <p class="error" id={`${id}-error`}>
          {error}
        </p>
      )}
    </>
  )
}

function describedBy(id: string, { error, hint }: Pick<Common, 'error' | 'hint'>): { 'aria-describedby'?: string } {
  const ids = [hint !== undefined && `${id}-hint`, error !== undefined && `${id}-error`].filter(Boolean)
  return ids.length === 0 ? {} : { 'aria-describedby': ids.join(' ') }
}
