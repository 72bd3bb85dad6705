import { logOperation } from '../http/security-events.ts'
import { type OperatorDatabase, readOperatorConfig, withDatabase } from '../operator/database.ts'
import * as managers from '../operator/managers.ts'
import * as transfers from '../operator/transfer.ts'
import { issueResetCode } from '../store-managers/password-reset.ts'
import { exitCodes, CliError, usageError } from './errors.ts'
import { fieldLines, heading, moment, print, toJson } from './output.ts'
import { showProgress } from './progress.ts'
import { confirm } from './questions.ts'
import { visible } from './terminal.ts'

interface JsonOption {
  json?: boolean
}

interface RemovalOptions extends JsonOption {
  transferTo?: string
  yes?: boolean
}

export type Action = (database: OperatorDatabase, options: RemovalOptions, who: string, other: string) => Promise<void>

export async function onDatabase(
  signal: AbortSignal,
  act: (database: OperatorDatabase) => Promise<void>,
): Promise<void> {
  await withDatabase(readOperatorConfig(), signal, act)
}

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
  print(options, manager, () => [`Disabled ${describe(manager)}: all tokens are revoked, and logins are refused.`])
}

export async function enable({ db, log }: OperatorDatabase, options: JsonOption, who: string): Promise<void> {
  const manager = found(await managers.enable(db, who), who)
  logOperation(log, 'account_enabled', { manager: manager.id })
  print(options, manager, () => [`Enabled ${describe(manager)}, who can log in again.`])
}

export async function logOut({ db, log }: OperatorDatabase, options: JsonOption, who: string): Promise<void> {
  const manager = found(await managers.endTokens(db, who), who)
  logOperation(log, 'logged_out_everywhere', { manager: manager.id })
  print(options, manager, () => [`Revoked all tokens of ${describe(manager)}.`])
}

export async function resetPassword({ db, log }: OperatorDatabase, options: JsonOption, who: string): Promise<void> {
  const manager = found(await managers.find(db, who), who)
  const { code, expires_at: expires } = found(await issueResetCode(db, manager.id), who)
  logOperation(log, 'reset_code_issued', { manager: manager.id })
  print(options, { id: manager.id, email: manager.email, code, expires_at: expires }, () => [
    `Reset code for ${describe(manager)}, valid once, until ${moment(expires)}:`,
    code,
    'The manager sets a new password with: stockroom reset-password, or POST /store-managers/reset-password.',
  ])
}

export async function transfer(
  database: OperatorDatabase,
  options: JsonOption,
  who: string,
  other: string,
): Promise<void> {
  const from = found(await managers.find(database.db, who), who)
  const to = found(await managers.find(database.db, other), other)
  assertDifferent(from, to)
  const items = await move(database, from, to, transfers.transfer)
  print(options, { from: from.id, to: to.id, items }, () => [
    `Moved ${count(items)} from ${describe(from)} to ${describe(to)}.`,
  ])
}

export async function remove(database: OperatorDatabase, options: RemovalOptions, who: string): Promise<void> {
  const { db, log } = database
  const { transferTo, yes } = options
  if (!yes && !process.stdin.isTTY) throw usageError('There is no terminal to confirm on. Pass --yes.')
  const manager = found(await managers.find(db, who), who)
  const heir = transferTo === undefined ? undefined : found(await managers.find(db, transferTo), transferTo)
  if (heir) assertDifferent(manager, heir)
  if (heir === undefined && manager.items > 0) throw transfers.ownsItems()
  const detail = heir ? `, and move ${count(manager.items)} to ${describe(heir)}` : ''
  if (!yes) await confirm(`Delete ${describe(manager)}${detail}? Type yes: `, 'Nothing was deleted.')
  const items = heir ? await move(database, manager, heir, transfers.removeAfterTransfer) : 0
  if (!heir) await transfers.remove(db, manager.id)
  logOperation(log, 'account_deleted', { manager: manager.id })
  print(options, { deleted: manager.id, items }, () => [
    ...(heir ? [`Moved ${count(items)} to ${describe(heir)}.`] : []),
    `Deleted ${describe(manager)}.`,
  ])
}

function assertDifferent(from: managers.Manager, to: managers.Manager): void {
  if (from.id === to.id) throw usageError('Both arguments name the same manager. Name two different ones.')
}

async function move(
  { db, engine, log, signal }: OperatorDatabase,
  from: managers.Counted,
  to: managers.Manager,
  how: typeof transfers.transfer,
): Promise<number> {
  const progress = showProgress({ label: from.email, total: from.items, unit: 'items' })
  try {
    const items = await how(db, { engine, from: from.id, to: to.id, signal, progress })
    logOperation(log, 'items_transferred', { manager: from.id, to: to.id, items })
    return items
  } finally {
    progress.end()
  }
}

function count(items: number): string {
  return `${items.toLocaleString('en')} item${items === 1 ? '' : 's'}`
}

function found<Manager>(manager: Manager | undefined, who: string): Manager {
  if (manager !== undefined) return manager
  throw new CliError(`No manager has the email address or ID ${who}.`, exitCodes.notFound)
}

function describe({ email, id }: managers.Manager): string {
  return `${visible(email)} (ID ${id})`
}

/** Longer addresses shift the name, which goes last because it may have any width. */
const emailWidth = 30

const tableHeading = () =>
  heading(
    `${'ID'.padEnd(36)}  ${'ITEMS'.padStart(9)}  ${'DISABLED'.padEnd(16)}  ${'TOKENS ENDED'.padEnd(16)}  ${'EMAIL'.padEnd(emailWidth)}  NAME`,
  )

function tableRow({ id, items, disabled_at: disabled, tokens_ended_at: ended, email, name }: managers.Counted): string {
  const times = [disabled, ended].map((time) => moment(time).padEnd(16)).join('  ')
  return `${id}  ${String(items).padStart(9)}  ${times}  ${visible(email).padEnd(emailWidth)}  ${visible(name)}`
}
