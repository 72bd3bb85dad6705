import type { ComponentChildren, TargetedEvent } from 'preact'

interface CheckboxProps {
  label: ComponentChildren
  name?: string
  checked: boolean
  disabled?: boolean
  onChange: (event: TargetedEvent<HTMLInputElement>) => void
}

export function Checkbox({ label, ...input }: CheckboxProps) {
  return (
    <label class="check">
      <input type="checkbox" {...input} />
      <span>{label}</span>
    </label>
  )
}
