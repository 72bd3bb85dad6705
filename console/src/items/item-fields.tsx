import type { Category } from '../api.ts'
import { count } from '../format.ts'
import { more } from '../text/more.ts'
import { text } from '../text/text.ts'
import { Checkbox } from '../ui/checkbox.tsx'
import { Field, SelectField } from '../ui/field.tsx'
import { type FormField, type ItemForm, lengthOf, longestName } from './form.ts'
import { categories } from './query.ts'

interface FieldsProps {
  form: ItemForm
  errors: Partial<Record<FormField, string>>
  onChange: (changes: Partial<ItemForm>) => void
}

/** The fields of a new or an existing item. */
export function ItemFields({ form, errors, onChange }: FieldsProps) {
  const { items: words } = text
  const { itemDialogs: dialogs } = more
  return (
    <>
      <Field
        label={words.name}
        name="name"
        autocomplete="off"
        value={form.name}
        error={errors.name}
        aside={dialogs.lengthOf(count(lengthOf(form.name.trim())), count(longestName))}
        onInput={({ currentTarget: { value } }) => onChange({ name: value })}
      />
      <div class="field-row">
        <SelectField
          label={words.category}
          name="category"
          value={form.category}
          error={errors.category}
          onChange={({ currentTarget: { value } }) => onChange({ category: value as Category | '' })}
        >
          {form.category === '' && <option value="">{dialogs.choose}</option>}
          {categories.map((category) => (
            <option key={category} value={category}>
              {words.categories[category]}
            </option>
          ))}
        </SelectField>
        <Field
          label={dialogs.priceInDollars}
          name="price"
          inputMode="decimal"
          autocomplete="off"
          value={form.price}
          error={errors.price_usd}
          onInput={({ currentTarget: { value } }) => onChange({ price: value })}
        />
      </div>
      <Checkbox
        label={words.inStock}
        name="in_stock"
        checked={form.isInStock}
        onChange={({ currentTarget: { checked } }) => onChange({ isInStock: checked })}
      />
    </>
  )
}
