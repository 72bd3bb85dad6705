import { randomUUIDv7 } from 'node:crypto'

import { type Expression, sql, type SqlBool } from 'kysely'

import { passwordWeakness } from '../auth/password-policy.ts'
import { type HashCaller, maxCost, type Passwords } from '../auth/passwords.ts'
import type { Context } from '../context.ts'
import { type Database, onViolation } from '../database/database.ts'
import { costOfHash, foldedEmail } from '../database/managers.ts'
import { storedForms } from '../http/email-address.ts'
import type { IdempotentResult } from '../idempotency.ts'
import { type Code, validationFailed, Problem } from '../problems.ts'
import type { LoginForm, StoreManager, StoreManagerCreate } from './schemas.ts'

/** Registers a manager, once per `key`. @throws Problem email_taken or invalid_request */
export function register(
  context: Context,
  body: StoreManagerCreate,
  caller: HashCaller,
  key?: string,
): Promise<IdempotentResult<StoreManager>> {
  const build = async () => {
    const { manager, insert } = await prepareManager(context.passwords, body, caller)
    return { response: manager, owner: manager.id, write: (transaction = context.db) => insert(transaction) }
  }
  return context.idempotency.run({ scope: 'store managers', key, body }, build)
}

export async function createManager(
  { db, passwords }: Pick<Context, 'db' | 'passwords'>,
  body: StoreManagerCreate,
  caller: HashCaller,
): Promise<StoreManager> {
  const { manager, insert } = await prepareManager(passwords, body, caller)
  await insert(db)
  return manager
}

async function prepareManager(passwords: Passwords, body: StoreManagerCreate, caller: HashCaller) {
  const { name, email, password, password_hash: sameByOldName } = body
  const plain = password ?? sameByOldName ?? ''
  assertAcceptablePassword(plain, password === undefined ? 'password_hash' : 'password', { name, email })
  const passwordHash = await passwords.hash(plain, caller)
  const manager = { id: randomUUIDv7(), name, email }
  const insert = async (db: Database) => {
    const query = db.insertInto('store_managers').values({ ...manager, password_hash: passwordHash })
    await onViolation(query.execute(), 'store_managers_email_key', emailTaken)
  }
  return { manager, insert }
}

export function assertAcceptablePassword(
  password: string,
  field: string,
  manager: { name: string; email: string },
): void {
  const msg = passwordWeakness(password, manager)
  if (msg !== undefined) throw validationFailed([{ type: 'value_error', loc: ['body', field], msg }])
}

/** Takes as long for an unknown address, and reveals only with the right password that an account is disabled. */
export async function logIn(
  { db, passwords, tokens }: Context,
  { username, password }: LoginForm,
  caller: HashCaller,
): Promise<{ manager: string; token: string; expiresIn: number }> {
  const [manager, highestCost] = await Promise.all([findByEmail(db, username), findHighestCost(db)])
  const { matches, needsRehash } = await passwords.verify(password, {
    hash: manager?.password_hash,
    highestCost,
    ...caller,
  })
  if (!manager || !matches) throw wrongCredentials(manager?.id)
  if (manager.disabled_at) throw accountDisabled(manager.id)
  if (needsRehash) await rehash(db, manager, await passwords.hash(password, caller))
  return { manager: manager.id, ...(await tokens.sign(manager)) }
}

function findByEmail(db: Database, email: string) {
  return db
    .selectFrom('store_managers')
    .select(['id', 'password_hash', 'token_generation', 'disabled_at'])
    .where(hasEmail(email))
    .executeTakeFirst()
}

export function hasEmail(email: string): Expression<SqlBool> {
  return sql<boolean>`${sql.raw(foldedEmail)} in (${sql.join(storedForms(email).map(folded))})`
}

function folded(email: string) {
  return sql<string>`lower(${email}::text collate "und-x-icu")`
}

/** Of those that are accepted: a hash of a higher cost would make each login take as long. */
async function findHighestCost(db: Database): Promise<number> {
  const cost = sql.raw(costOfHash)
  const query = db.selectFrom('store_managers').select(sql<string | null>`max(${cost})`.as('cost'))
  const accepted = query.where(sql<boolean>`${cost} <= ${String(maxCost)}`)
  return Number((await accepted.executeTakeFirstOrThrow()).cost)
}

async function rehash(db: Database, old: { id: string; password_hash: string }, hash: string): Promise<void> {
  await db
    .updateTable('store_managers')
    .set({ password_hash: hash })
    .where('id', '=', old.id)
    .where('password_hash', '=', old.password_hash)
    .execute()
}

export async function erase(transaction: Database, id: string): Promise<void> {
  await transaction.deleteFrom('store_managers').where('id', '=', id).execute()
  // The others are deleted with the manager. For a day after an upgrade, some have no owner.
  const isOfManager = sql<boolean>`strpos(answer, ${id}) > 0`
  await transaction.deleteFrom('idempotency_keys').where('store_manager_id', 'is', null).where(isOfManager).execute()
}

export function emailTaken(): Problem {
  return new Problem('email_taken', 'A manager with this email address already exists.')
}

/** `manager` is only for the log, because the client must not learn that the account exists. */
function wrongCredentials(manager: string | undefined): Problem {
  return loginRefused('invalid_credentials', 'The email address or the password is wrong.', manager)
}

export function accountDisabled(manager: string): Problem {
  return loginRefused('account_disabled', 'This account is disabled. Ask the operator.', manager)
}

/** With the members of OAuth2 (RFC 6749 §5.2). */
function loginRefused(code: Code, detail: string, manager: string | undefined): Problem {
  return new Problem(code, detail, {
    headers: { 'www-authenticate': 'Bearer' },
    members: { error: 'invalid_grant', error_description: detail },
    manager,
  })
}
