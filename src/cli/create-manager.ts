import { parseArgs } from 'node:util'

import { openPasswords } from '../auth/passwords.ts'
import { type Config, ConfigError } from '../config/config.ts'
import type { Database } from '../database/database.ts'
import { normalizeEmail } from '../http/email-address.ts'
import { logOperation } from '../http/security-events.ts'
import { buildCheck } from '../http/validation.ts'
import { readOperatorConfig, withDatabase } from '../operator/database.ts'
import { Problem, type ValidationError } from '../problems.ts'
import { explain } from '../startup-error.ts'
import { StoreManagerCreate } from '../store-managers/schemas.ts'
import { createManager } from '../store-managers/store-managers.ts'
import { askForManager, type NewManager } from './password-prompt.ts'

const usage = `Creates a store manager, even with REGISTRATION=closed.

Usage: npm run manager:create [-- --name <name> --email <address>]

Prompts for missing values and for the password, which is not shown. Without a terminal, the password is the first line of
standard input, and both options are required.`

async function main(args: string[]): Promise<void> {
  const { help, ...given } = readOptions(args)
  if (help) return console.log(usage)
  const config = readOperatorConfig()
  const manager = checked(await askForManager(given))
  const id = await withDatabase(config, new AbortController().signal, async ({ db, log }) => {
    const registered = await register(db, config, manager)
    logOperation(log, 'account_registered', { manager: registered })
    return registered
  })
  console.log(`Registered ${manager.email} with the ID ${id}.`)
}

// There is no option for the password, because the shell's history and ps would show it.
function readOptions(args: string[]) {
  try {
    const options = { name: { type: 'string' }, email: { type: 'string' }, help: { type: 'boolean' } } as const
    return parseArgs({ args, options }).values
  } catch (error) {
    throw new ConfigError(`${(error as Error).message}\n\n${usage}`)
  }
}

function checked({ email, ...rest }: NewManager): NewManager {
  const manager = { ...rest, email: normalizeEmail(email) ?? email }
  const wrong = buildCheck(StoreManagerCreate, [])(manager)
  if (wrong) throw new ConfigError(describeErrors(wrong.describe()))
  return manager
}

async function register(db: Database, { bcryptCost }: Config, manager: NewManager): Promise<string> {
  try {
    return (await createManager({ db, passwords: openPasswords(bcryptCost) }, manager, {})).id
  } catch (error) {
    if (!(error instanceof Problem) || error.status >= 500) throw error
    const errors = error.members['errors'] as ValidationError[] | undefined
    throw new ConfigError(errors ? describeErrors(errors) : error.message)
  }
}

function describeErrors(errors: ValidationError[]): string {
  return errors.map(({ loc, msg }) => `The ${loc.at(-1)} ${msg}.`).join('\n')
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  console.error(explain(error))
  process.exitCode = 1
}
