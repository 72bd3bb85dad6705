import { logOperation } from '../http/security-events.ts'
import { type OperatorDatabase, readOperatorConfig, withDatabase } from '../operator/database.ts'
import * as managers from '../operator/managers.ts'
import { Problem } from '../problems.ts'
import { StartupError } from '../startup-error.ts'
import { issueResetCode } from '../store-managers/password-reset.ts'
import { exitCodes, CliError } from './errors.ts'
import { fieldLines, heading, moment, print, toJson } from './output.ts'
import { visible } from './terminal.ts'

interface JsonOption {
  json?: boolean
}

/** Runs `act` on the database. @throws Failure if the database cannot be used */
export async function onDatabase(
  signal: AbortSignal,
  act: (database: OperatorDatabase) => Promise<void>,
): Promise<void> {
  try {
    await withDatabase(readOperatorConfig(), signal, act)
  } catch (error) {
    throw error instanceof Problem || error instanceof StartupError ? new CliError(error.message) : error
  }
}

/** Prints all managers as they come, as a table or as one JSON array. */
export async function list({ db, signal }: OperatorDatabase, { json }: JsonOption): Promise<void> {
  let isFirst = true
  if (!json) console.log(tableHeading())
  for await (const page of managers.pages(db)) {
    signal.throwIfAborted()
    for (const manager of page) {
      console.log(json ? (isFirst ? '[' : ',') + toJson(manager) : tableRow(manager))
      isFirst = false
    }
  }
  if (json) console.log(isFirst ? '[]' : ']')
}

export async function show({ db }: OperatorDatabase, options: JsonOption, who: string): Promise<void> {
  const manager = found(await managers.find(db, who), who)
  const { disabled_at: disabled, tokens_ended_at: ended } = manager
  print(options, manager, () =>
    fieldLines({ ...manager, disabled_at: moment(disabled), tokens_ended_at: moment(ended) }),
  )
}

export async function disable({ db, log }: OperatorDatabase, options: JsonOption, who: string): Promise<void> {
  const manager = found(await managers.disable(db, who), who)
  logOperation(log, 'account_disabled', { manager: manager.id })
  print(options, manager, () => [`Disabled ${describe(manager)}. All tokens have ended, and logins are refused.`])
}

export async function enable({ db, log }: OperatorDatabase, options: JsonOption, who: string): Promise<void> {
  const manager = found(await managers.enable(db, who), who)
  logOperation(log, 'account_enabled', { manager: manager.id })
  print(options, manager, () => [`Enabled ${describe(manager)}, who can log in again.`])
}

export async function logOut({ db, log }: OperatorDatabase, options: JsonOption, who: string): Promise<void> {
  const manager = found(await managers.endTokens(db, who), who)
  logOperation(log, 'logged_out_everywhere', { manager: manager.id })
  print(options, manager, () => [`Ended all tokens of ${describe(manager)}.`])
}

/** Prints a reset code, which is stored nowhere in plain text. */
export async function resetPassword({ db, log }: OperatorDatabase, options: JsonOption, who: string): Promise<void> {
  const manager = found(await managers.find(db, who), who)
  const { code, expires_at: expires } = found(await issueResetCode(db, manager.id), who)
  logOperation(log, 'reset_code_issued', { manager: manager.id })
  print(options, { id: manager.id, email: manager.email, code, expires_at: expires }, () => [
    `Reset code of ${describe(manager)}, valid once until ${moment(expires)}:`,
    code,
    'With it the manager sets a new password: stockroom reset-password, or POST /store-managers/reset-password.',
  ])
}

function found<Manager>(manager: Manager | undefined, who: string): Manager {
  if (manager !== undefined) return manager
  throw new CliError(`There is no manager with the e-mail address or ID ${who}.`, exitCodes.notFound)
}

function describe({ email, id }: managers.Manager): string {
  return `${visible(email)} (ID ${id})`
}

/** Addresses that are longer than this move the name, which goes last, for it may be of any width. */
const emailWidth = 30

const tableHeading = () =>
  heading(
    `${'ID'.padEnd(36)}  ${'ITEMS'.padStart(9)}  ${'DISABLED'.padEnd(16)}  ${'TOKENS ENDED'.padEnd(16)}  ${'EMAIL'.padEnd(emailWidth)}  NAME`,
  )

function tableRow({ id, items, disabled_at: disabled, tokens_ended_at: ended, email, name }: managers.Counted): string {
  const times = [disabled, ended].map((time) => moment(time).padEnd(16)).join('  ')
  return `${id}  ${String(items).padStart(9)}  ${times}  ${visible(email).padEnd(emailWidth)}  ${visible(name)}`
}
