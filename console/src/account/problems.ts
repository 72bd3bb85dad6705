import { StockroomError } from '../api.ts'
import { explain } from '../explain.ts'
import { more } from '../text/more.ts'
import type { FormErrors } from '../ui/form.tsx'

export type AccountField = 'name' | 'email' | 'password' | 'current_password' | 'code'

/** What is wrong with the fields of an account, before anything is sent; undefined if nothing is. */
export function missingIn<Name extends AccountField>(values: Record<Name, string>): FormErrors<Name> | undefined {
  const { problems } = more.account
  const messages: Record<AccountField, string> = {
    name: problems.name,
    email: problems.email,
    password: problems.noPassword,
    current_password: problems.noPassword,
    code: problems.code,
  }
  const empty = (Object.keys(values) as Name[]).filter((name) => values[name].trim() === '')
  if (empty.length === 0) return undefined
  return { fields: Object.fromEntries(empty.map((name) => [name, messages[name]])) as FormErrors<Name>['fields'] }
}

/** A failure at the fields that it is about, in the words of the form. */
export function errorsOf(error: unknown): FormErrors<AccountField> {
  const { problems } = more.account
  if (error instanceof StockroomError) {
    if (error.code === 'email_taken') return { fields: { email: problems.taken } }
    if (error.code === 'wrong_password') return { fields: { current_password: problems.wrongPassword } }
    if (error.code === 'invalid_reset_code') return { fields: { code: problems.wrongCode } }
    if (error.code === 'registration_closed') return { fields: {}, form: problems.closed }
    if (error.code === 'invalid_request') {
      const fields = fieldErrors(error)
      if (Object.keys(fields).length > 0) return { fields }
    }
  }
  return { fields: {}, form: explain(error) }
}

function fieldErrors({ errors }: StockroomError): FormErrors<AccountField>['fields'] {
  const { problems } = more.account
  const messages: Record<AccountField, (type: string) => string> = {
    name: (type) => (type === 'string_too_long' ? problems.longName : problems.name),
    email: () => problems.email,
    password: (type) => (type === 'string_too_short' ? problems.shortPassword : problems.weakPassword),
    current_password: () => problems.noPassword,
    code: () => problems.wrongCode,
  }
  const found = errors.flatMap((part) => {
    const name = 'loc' in part ? part.loc.at(-1) : undefined
    return typeof name === 'string' && name in messages
      ? [[name, messages[name as AccountField](part.type)] as const]
      : []
  })
  return Object.fromEntries(found)
}
