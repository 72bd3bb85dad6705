import { count } from '../format.ts'

export interface PluralForms {
  /** `#` is the number. */
  one: string
  few?: string
  many?: string
  other: string
}

/** Chooses the form for a number by the rules of a language. */
export function pluralOf(language: string): (number: number, forms: PluralForms) => string {
  const rules = new Intl.PluralRules(language)
  return (number, forms) => {
    const rule = rules.select(number)
    const form = (rule === 'one' || rule === 'few' || rule === 'many' ? forms[rule] : undefined) ?? forms.other
    return form.replaceAll('#', count(number))
  }
}
