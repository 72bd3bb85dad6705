import type { Category } from '../../../src/client/client.ts'
import { type Field, fieldsOf } from './columns.ts'
import type { Survey } from './survey.ts'
import { type DecimalSign, guessCategory, readCategory, readStock } from './values.ts'

/** What each column is, and what its values mean. */
export interface Mapping {
  columns: (Field | undefined)[]
  sign: DecimalSign
  /** What values that are no category mean; undefined: left as they are, so that the check reports them. */
  categories: Record<string, Category | undefined>
  stock: Record<string, boolean | undefined>
  /** Of all rows, if no column has it. */
  category: Category | undefined
  inStock: boolean | undefined
}

export function firstMapping({ columns }: Survey): Mapping {
  const found = fieldsOf(columns.map(({ name }) => name))
  return { columns: found, sign: signOf(columns, found), categories: {}, stock: {}, category: undefined, inStock: true }
}

/** The mapping of an earlier file for one that has the same columns; undefined if it has others. */
export function mappingFor(survey: Survey, earlier: Mapping, earlierNames: string[]): Mapping | undefined {
  const names = survey.columns.map(({ name }) => name)
  const isSame = names.length === earlierNames.length && names.every((name, column) => name === earlierNames[column])
  return isSame ? earlier : undefined
}

/** Maps a column, and unmaps the one that had this field before. */
export function withColumn(mapping: Mapping, column: number, field: Field | undefined, survey: Survey): Mapping {
  const columns = mapping.columns.map((each, index) => (index === column ? field : each === field ? undefined : each))
  const sign = field === 'price_usd' ? signOf(survey.columns, columns) : mapping.sign
  return { ...mapping, columns, sign }
}

/** The values that are no category, with what they probably mean or were said to mean. */
export function foreignCategories(survey: Survey, mapping: Mapping): [value: string, meaning: Category | undefined][] {
  const values = survey.columns[mapping.columns.indexOf('category')]?.values ?? []
  const foreign = values.filter((value) => readCategory(value) === undefined)
  return foreign.map((value) => [value, meaningOf(mapping.categories, value, guessCategory)])
}

export function foreignStock(survey: Survey, mapping: Mapping): [value: string, meaning: boolean | undefined][] {
  const values = survey.columns[mapping.columns.indexOf('in_stock')]?.values ?? []
  const foreign = values.filter((value) => readStock(value) === undefined)
  return foreign.map((value) => [value, mapping.stock[value]])
}

export function meaningOf<T>(
  said: Record<string, T | undefined>,
  value: string,
  guess: (value: string) => T | undefined,
): T | undefined {
  return Object.hasOwn(said, value) ? said[value] : guess(value)
}

/** The fields that neither a column nor a value for all rows provides. */
export function missingFields({ columns, category, inStock }: Mapping): Field[] {
  const needed: [Field, boolean][] = [
    ['name', false],
    ['category', category !== undefined],
    ['price_usd', false],
    ['in_stock', inStock !== undefined],
  ]
  return needed.filter(([field, hasDefault]) => !hasDefault && !columns.includes(field)).map(([field]) => field)
}

/** Whether any price could be read in two ways, or shows a decimal comma. */
function signOf(columns: Survey['columns'], fields: (Field | undefined)[]): DecimalSign {
  return columns[fields.indexOf('price_usd')]?.sign ?? '.'
}
