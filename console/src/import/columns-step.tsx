import type { Category } from '../api.ts'
import { categories } from '../items/query.ts'
import { more } from '../text/more.ts'
import { text } from '../text/text.ts'
import { Checkbox } from '../ui/checkbox.tsx'
import { SelectField } from '../ui/field.tsx'
import { type Field, fields } from './columns.ts'
import { foreignCategories, foreignStock, type Mapping, missingFields, withColumn } from './mapping.ts'
import { Step } from './step.tsx'
import type { Survey } from './survey.ts'
import type { DecimalSign } from './values.ts'
import { columnName } from './words.ts'

interface Props {
  survey: Survey
  mapping: Mapping
  isBusy: boolean
  isChecked: boolean
  onMapping: (mapping: Mapping) => void
  onHeader: (hasHeader: boolean) => void
  onCheck: () => void
}

export function ColumnsStep({ survey, mapping, isBusy, isChecked, onMapping, onHeader, onCheck }: Props) {
  const { imports: words } = more
  const missing = missingFields(mapping)
  const isReady = missing.length === 0 && !isBusy
  return (
    <Step number={2} title={words.columns}>
      <p class="muted">{words.columnsHint}</p>
      <Checkbox
        label={words.hasHeader}
        checked={survey.layout.hasHeader}
        onChange={({ currentTarget }) => onHeader(currentTarget.checked)}
      />
      <ColumnTable survey={survey} mapping={mapping} onMapping={onMapping} />
      <Values survey={survey} mapping={mapping} onMapping={onMapping} />
      {mapping.columns.includes('id') && <p class="muted">{words.keys}</p>}
      <div role="status">
        {missing.length > 0 && (
          <p class="error">{words.missing(missing.map((field) => words.fields[field]).join(', '))}</p>
        )}
      </div>
      <div>
        <button
          type="button"
          class={isChecked ? undefined : 'primary'}
          aria-disabled={!isReady}
          onClick={() => isReady && onCheck()}
        >
          {words.check(survey.count)}
        </button>
      </div>
    </Step>
  )
}

type PartProps = Pick<Props, 'survey' | 'mapping' | 'onMapping'>

function ColumnTable({ survey, mapping, onMapping }: PartProps) {
  const { imports: words } = more
  return (
    <div class="columns">
      {survey.columns.map(({ index: column }) => {
        const name = columnName(survey, column)
        const cells = survey.rows.map((row) => row[column] ?? '').filter((cell) => cell.trim() !== '')
        return (
          <div key={column} class="column">
            <SelectField
              label={name}
              name={`column-${column}`}
              value={mapping.columns[column] ?? ''}
              onChange={({ currentTarget: { value } }) =>
                onMapping(withColumn(mapping, column, value === '' ? undefined : (value as Field), survey))
              }
            >
              <option value="">{words.leaveOut}</option>
              {fields.map((field) => (
                <option key={field} value={field}>
                  {words.fields[field]}
                </option>
              ))}
            </SelectField>
            <p class="muted cells">{cells.slice(0, 3).join(' · ')}</p>
          </div>
        )
      })}
    </div>
  )
}

/** How values are written, what foreign ones mean, and what rows have for which there is no column. */
function Values({ survey, mapping, onMapping }: PartProps) {
  const { imports: words } = more
  const { items } = text
  const foreign = foreignCategories(survey, mapping)
  const stock = foreignStock(survey, mapping)
  const categoryOptions = categories.map((category) => (
    <option key={category} value={category}>
      {items.categories[category]}
    </option>
  ))
  const stockOptions = (
    <>
      <option value="true">{items.inStock}</option>
      <option value="false">{items.soldOut}</option>
    </>
  )
  return (
    <div class="columns values">
      {mapping.columns.includes('price_usd') && (
        <SelectField
          label={words.sign}
          name="sign"
          value={mapping.sign}
          onChange={({ currentTarget: { value } }) => onMapping({ ...mapping, sign: value as DecimalSign })}
        >
          {(['.', ','] as const).map((sign) => (
            <option key={sign} value={sign}>
              {words.signs[sign]}
            </option>
          ))}
        </SelectField>
      )}
      {!mapping.columns.includes('category') && (
        <SelectField
          label={words.categoryOfAll}
          name="category"
          value={mapping.category ?? ''}
          onChange={({ currentTarget: { value } }) => onMapping({ ...mapping, category: toCategory(value) })}
        >
          <option value="">{words.chooseOne}</option>
          {categoryOptions}
        </SelectField>
      )}
      {!mapping.columns.includes('in_stock') && (
        <SelectField
          label={words.stockOfAll}
          name="in_stock"
          value={String(mapping.inStock)}
          onChange={({ currentTarget: { value } }) => onMapping({ ...mapping, inStock: value === 'true' })}
        >
          {stockOptions}
        </SelectField>
      )}
      {foreign.map(([value, meaning]) => (
        <SelectField
          key={value}
          label={words.means(value)}
          name={`category ${value}`}
          value={meaning ?? ''}
          onChange={({ currentTarget }) =>
            onMapping({ ...mapping, categories: { ...mapping.categories, [value]: toCategory(currentTarget.value) } })
          }
        >
          <option value="">{words.asItIs}</option>
          {categoryOptions}
        </SelectField>
      ))}
      {stock.map(([value, meaning]) => (
        <SelectField
          key={value}
          label={words.means(value)}
          name={`in_stock ${value}`}
          value={meaning === undefined ? '' : String(meaning)}
          onChange={({ currentTarget: { value: chosen } }) =>
            onMapping({
              ...mapping,
              stock: { ...mapping.stock, [value]: chosen === '' ? undefined : chosen === 'true' },
            })
          }
        >
          <option value="">{words.asItIs}</option>
          {stockOptions}
        </SelectField>
      ))}
    </div>
  )
}

function toCategory(value: string): Category | undefined {
  return categories.find((category) => category === value)
}
