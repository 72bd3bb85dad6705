import { parsePrice } from '../format.ts'
import { more } from '../text/more.ts'
import { text } from '../text/text.ts'
import type { Conflict } from './editor.tsx'
import { type FormField, type ItemForm, readForm } from './form.ts'
import { valueText } from './values.ts'

interface ConflictsProps {
  conflict: Conflict
  form: ItemForm
  onDecide: (field: FormField, isTheirs: boolean) => void
}

/** For each field that someone else changed meanwhile: both values, and a decision. */
export function Conflicts({ conflict: { fields, latest, by }, form, onDecide }: ConflictsProps) {
  const { items: words } = text
  const { itemDialogs: dialogs } = more
  const mine = readForm(form, parsePrice)
  return (
    <div class="conflicts notice warning" role="alert">
      <p>{dialogs.conflict(by)}</p>
      {fields.map((field) => (
        <div key={field} class="conflict">
          <p>
            {words.fields[field]}: <strong>{valueText(field, latest[field])}</strong>
          </p>
          <button type="button" onClick={() => onDecide(field, true)}>
            {dialogs.takeTheirs(valueText(field, latest[field]))}
          </button>
          <button type="button" onClick={() => onDecide(field, false)}>
            {dialogs.keepMine(valueText(field, mine[field]))}
          </button>
        </div>
      ))}
    </div>
  )
}
