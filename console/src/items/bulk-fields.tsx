import type { Category } from '../api.ts'
import { money, parsePrice } from '../format.ts'
import { more } from '../text/more.ts'
import { text } from '../text/text.ts'
import { Field, SelectField } from '../ui/field.tsx'
import { type BulkForm, type PriceMode, priceModes, roundings, toChange } from './bulk.ts'
import { categories } from './query.ts'

interface FieldsProps {
  form: BulkForm
  onChange: (changes: Partial<BulkForm>) => void
}

const fields = ['price', 'category', 'stock'] as const

/** Which field changes, and how. */
export function BulkFields({ form, onChange }: FieldsProps) {
  const { items: words } = text
  const { itemDialogs: dialogs } = more
  return (
    <>
      <fieldset class="choices">
        <legend class="visually-hidden">{dialogs.bulkWhat}</legend>
        {fields.map((field) => (
          <label key={field} class="check">
            <input
              type="radio"
              name="field"
              value={field}
              checked={form.field === field}
              onChange={() => onChange({ field })}
            />
            <span>{words[field]}</span>
          </label>
        ))}
      </fieldset>
      {form.field === 'price' && <PriceFields form={form} onChange={onChange} />}
      {form.field === 'category' && (
        <SelectField
          label={dialogs.newCategory}
          name="category"
          value={form.category}
          onChange={({ currentTarget: { value } }) => onChange({ category: value as Category | '' })}
        >
          <option value="">{dialogs.choose}</option>
          {categories.map((category) => (
            <option key={category} value={category}>
              {words.categories[category]}
            </option>
          ))}
        </SelectField>
      )}
      {form.field === 'stock' && (
        <SelectField
          label={dialogs.newStock}
          name="in_stock"
          value={String(form.isInStock)}
          onChange={({ currentTarget: { value } }) => onChange({ isInStock: value === 'true' })}
        >
          <option value="true">{words.inStock}</option>
          <option value="false">{words.soldOut}</option>
        </SelectField>
      )}
    </>
  )
}

function PriceFields({ form, onChange }: FieldsProps) {
  const { itemDialogs: words } = more
  const isInvalid = form.amount.trim() !== '' && toChange(form, parsePrice) === undefined
  return (
    <div class="field-row">
      <SelectField
        label={words.priceMode}
        name="mode"
        value={form.mode}
        onChange={({ currentTarget: { value } }) => onChange({ mode: value as PriceMode })}
      >
        {priceModes.map((mode) => (
          <option key={mode} value={mode}>
            {words.priceModes[mode]}
          </option>
        ))}
      </SelectField>
      <Field
        label={form.mode.endsWith('percent') ? words.percentage : words.amount}
        name="amount"
        inputMode="decimal"
        autocomplete="off"
        value={form.amount}
        error={isInvalid ? words.notAnAmount : undefined}
        onInput={({ currentTarget: { value } }) => onChange({ amount: value })}
      />
      {form.mode !== 'set' && (
        <SelectField
          label={words.rounding}
          name="round"
          value={form.round}
          onChange={({ currentTarget: { value } }) => onChange({ round: value })}
        >
          <option value="">{words.notRounded}</option>
          {roundings.map((round) => (
            <option key={round} value={String(round)}>
              {words.roundTo(money(round))}
            </option>
          ))}
        </SelectField>
      )}
    </div>
  )
}
