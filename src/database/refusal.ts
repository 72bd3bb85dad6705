import { StartupError } from '../startup-error.ts'
import { adoptionRefused } from './adoption.ts'
import type { Server } from './server.ts'

const refused = new Set(['42501', '3F000'])

export function explainRefusal(error: unknown, { user, database }: Server, schema: string): unknown {
  const { code = '', cause, message } = error as Error & { code?: string }
  const said = cause instanceof Error ? cause.message : message
  if (code === adoptionRefused) return new StartupError(said, { cause: error })
  if (!refused.has(code)) return error
  return new StartupError(
    `PostgreSQL denied access to the role ${user} in the schema ${schema} of the database ${database}: ${said}. ` +
      `As the owner of the database, run: create schema if not exists ${schema}; grant usage, create on schema ${schema} ` +
      `to ${user}. Or migrate with a role that has these rights, and start with AUTO_MIGRATE=false.`,
    { cause: error },
  )
}
