import { openPasswords } from '../auth/passwords.ts'
import { normalizeEmail } from '../http/email-address.ts'
import { logOperation } from '../http/security-events.ts'
import { buildCheck } from '../http/validation.ts'
import { readOperatorConfig, withDatabase } from '../operator/database.ts'
import { Problem, type ValidationError } from '../problems.ts'
import { StoreManagerCreate } from '../store-managers/schemas.ts'
import * as storeManagers from '../store-managers/store-managers.ts'
import { CliError } from './errors.ts'
import { print } from './output.ts'
import { askForManager } from './questions.ts'
import { visible } from './terminal.ts'

export async function createManager(
  options: { name?: string; email?: string; json?: boolean },
  signal: AbortSignal,
): Promise<void> {
  const config = readOperatorConfig()
  const { email, ...given } = await askForManager(options, 'the new manager')
  const manager = { ...given, email: normalizeEmail(email) ?? email }
  const wrong = buildCheck(StoreManagerCreate, [])(manager)
  if (wrong) throw invalid(wrong.describe())
  const created = await withDatabase(config, signal, async ({ db, log }) => {
    const passwords = openPasswords(config.bcryptCost)
    const { id } = await storeManagers.createManager({ db, passwords }, manager, {}).catch(explainWeakness)
    logOperation(log, 'account_registered', { manager: id })
    return { id, name: manager.name, email: manager.email }
  })
  print(options, created, () => [`Registered ${visible(created.email)} with the ID ${created.id}.`])
}

function explainWeakness(error: unknown): never {
  if (error instanceof Problem && error.code === 'invalid_request') {
    throw invalid(error.members['errors'] as ValidationError[])
  }
  throw error
}

function invalid(errors: ValidationError[]): CliError {
  return new CliError(errors.map(({ loc, msg }) => `The ${loc.at(-1)} ${msg}.`).join('\n'))
}
