import type { ComponentChildren, RefObject } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

interface SubmitFormProps {
  element?: RefObject<HTMLFormElement | null>
  onSubmit: () => void
  children: ComponentChildren
}

/** A form that Enter in a field, and Ctrl+Enter or ⌘+Enter anywhere, submits. It validates its fields itself. */
export function SubmitForm({ element, onSubmit, children }: SubmitFormProps) {
  const own = useRef<HTMLFormElement>(null)
  const form = element ?? own
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key !== 'Enter' || (!event.ctrlKey && !event.metaKey)) return
      event.preventDefault()
      form.current?.requestSubmit()
    }
    form.current?.addEventListener('keydown', press)
    return () => form.current?.removeEventListener('keydown', press)
  }, [])
  return (
    <form
      ref={form}
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        onSubmit()
      }}
    >
      {children}
    </form>
  )
}
