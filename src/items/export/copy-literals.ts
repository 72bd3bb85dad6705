import type { CompiledQuery } from 'kysely'
import { escapeLiteral } from 'pg'

// COPY takes no parameters. The builder writes values as $1 and so on, and nothing else in its text has that form.
export function withLiterals({ sql, parameters }: CompiledQuery): string {
  return sql.replaceAll(/\$(\d+)/g, (_, number: string) => literal(parameters[Number(number) - 1]))
}

function literal(value: unknown): string {
  if (typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))) return String(value)
  if (typeof value === 'string') return escapeLiteral(value)
  if (Array.isArray(value)) return `array[${value.map(literal).join(', ')}]`
  throw new TypeError(`there is no literal of ${typeof value}`)
}
