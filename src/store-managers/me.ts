import type { UpdateObject } from 'kysely'

import type { Token } from '../auth/claims.ts'
import type { HashCaller } from '../auth/passwords.ts'
import { bumpGeneration } from '../auth/revocations.ts'
import { asManager } from '../auth/token-validity.ts'
import { managerGone } from '../auth/tokens.ts'
import type { Context } from '../context.ts'
import { type Database, onViolation } from '../database/database.ts'
import type { Tables } from '../database/entities.ts'
import { validationFailed, Problem } from '../problems.ts'
import { forgetResetCode } from './password-reset.ts'
import type { StoreManager, StoreManagerRemoval, StoreManagerUpdate } from './schemas.ts'
import { assertAcceptablePassword, emailTaken, erase } from './store-managers.ts'

export async function get(db: Database, id: string): Promise<StoreManager> {
  const { password_hash: _, ...manager } = await find(db, id)
  return manager
}

export interface Caller {
  token: Token
  /** Runs a check of the password of this account, which counts as a login. @throws Problem too_many_logins */
  guard: <T>(username: string, check: (caller: HashCaller) => Promise<T>) => Promise<T>
}

/** A new password revokes all other tokens of the manager. */
export async function update(
  { db, passwords }: Context,
  { token, guard }: Caller,
  { name, email, password, current_password: current }: StoreManagerUpdate,
): Promise<StoreManager> {
  const { password_hash: presentHash, ...manager } = await find(db, token.sub)
  const isSensitive = isGiven(email) || isGiven(password)
  const changes: UpdateObject<Tables, 'store_managers'> = {
    ...(isGiven(name) && { name }),
    ...(isGiven(email) && { email }),
  }
  if (isSensitive) {
    if (!isGiven(current)) throw currentPasswordMissing()
    if (isGiven(password)) {
      assertAcceptablePassword(password, 'password', { name: name ?? manager.name, email: email ?? manager.email })
    }
    await guard(manager.email, async (caller) => {
      const { matches } = await passwords.verify(current, { hash: presentHash, ...caller })
      if (!matches) throw wrongPassword()
      if (!isGiven(password)) return
      Object.assign(changes, { password_hash: await passwords.hash(password, caller) }, bumpGeneration(token.jti))
    })
  }
  if (Object.keys(changes).length === 0) return asManager(db, token, async () => manager)
  const write = asManager(db, token, async (transaction, { password_hash: hash }) => {
    if (isSensitive && hash !== presentHash) throw wrongPassword()
    const query = transaction.updateTable('store_managers').set(changes).where('id', '=', token.sub)
    const changed = await query.returning(['id', 'name', 'email']).executeTakeFirstOrThrow(managerGone)
    if (isGiven(password)) await forgetResetCode(transaction, token.sub)
    return changed
  })
  return onViolation(write, 'store_managers_email_key', emailTaken)
}

/** Also deletes idempotency keys, whose results contain personal data. */
export async function remove(
  { db, passwords }: Context,
  { token, guard }: Caller,
  { current_password: current }: StoreManagerRemoval,
): Promise<void> {
  const { email, password_hash: presentHash } = await find(db, token.sub)
  await guard(email, async (caller) => {
    const { matches } = await passwords.verify(current, { hash: presentHash, ...caller })
    if (!matches) throw wrongPassword()
  })
  const write = async (transaction: Database, { password_hash: hash }: { password_hash: string }) => {
    if (hash !== presentHash) throw wrongPassword()
    await erase(transaction, token.sub)
  }
  await onViolation(asManager(db, token, write, true), 'items_store_manager_id_foreign', () => ownsItems(db, token.sub))
}

function isGiven<T>(value: T | null | undefined): value is T {
  return value !== null && value !== undefined
}

function find(db: Database, id: string) {
  const query = db.selectFrom('store_managers').select(['id', 'name', 'email', 'password_hash']).where('id', '=', id)
  return query.executeTakeFirstOrThrow(managerGone)
}

function currentPasswordMissing(): Problem {
  const msg = 'is required to change the email address or password'
  return validationFailed([{ type: 'missing', loc: ['body', 'current_password'], msg }])
}

function wrongPassword(): Problem {
  return new Problem('wrong_password', 'The current password is wrong. Nothing was changed.')
}

async function ownsItems(db: Database, id: string): Promise<Problem> {
  const count = db.fn.countAll<string>().as('items')
  const query = db.selectFrom('items').select(count).where('store_manager_id', '=', id)
  const items = Number((await query.executeTakeFirstOrThrow()).items)
  return new Problem('manager_owns_items', `You own ${items} item${items === 1 ? '' : 's'}: delete them first.`, {
    members: { items },
  })
}
