import { sql } from 'kysely'

import type { HashCaller } from '../auth/passwords.ts'
import { hashResetCode, newResetCode } from '../auth/reset-codes.ts'
import { bumpGeneration } from '../auth/revocations.ts'
import type { Context } from '../context.ts'
import { type Database, inTransaction } from '../database/database.ts'
import { Problem } from '../problems.ts'
import type { PasswordReset, StoreManager } from './schemas.ts'
import { accountDisabled, assertAcceptablePassword } from './store-managers.ts'

/** Issues a single-use code, valid for an hour, and invalidates earlier ones. @returns undefined if there is no such manager */
export async function issueResetCode(
  db: Database,
  managerId: string,
): Promise<{ code: string; expires_at: Date } | undefined> {
  await db
    .deleteFrom('password_resets')
    .where(sql<boolean>`expires_at <= statement_timestamp()`)
    .execute()
  const code = newResetCode()
  const expiresAt = sql<Date>`statement_timestamp() + interval '1 hour'`.as('expires_at')
  const values = db
    .selectFrom('store_managers')
    .select(['id', sql<string>`${hashResetCode(code)}`.as('code_hash'), expiresAt])
    .where('id', '=', managerId)
  const issued = await db
    .insertInto('password_resets')
    .columns(['store_manager_id', 'code_hash', 'expires_at'])
    .expression(values)
    .onConflict((conflict) =>
      conflict.column('store_manager_id').doUpdateSet({
        code_hash: sql`excluded.code_hash`,
        expires_at: sql`excluded.expires_at`,
      }),
    )
    .returning('expires_at')
    .executeTakeFirst()
  return issued && { code, ...issued }
}

/** Called when the password is changed or the account disabled, because an old code could undo that. */
export async function forgetResetCode(db: Database, managerId: string): Promise<void> {
  await db.deleteFrom('password_resets').where('store_manager_id', '=', managerId).execute()
}

/** Revokes all tokens of the manager. The code is used up unless this throws. */
export async function resetPassword(
  { db, passwords }: Context,
  { code, password }: PasswordReset,
  caller: HashCaller,
): Promise<StoreManager> {
  const codeHash = hashResetCode(code)
  const manager = await findByCode(db, codeHash)
  if (manager === undefined) throw invalidResetCode()
  if (manager.disabled_at) throw accountDisabled(manager.id)
  assertAcceptablePassword(password, 'password', manager)
  const changes = { password_hash: await passwords.hash(password, caller), ...bumpGeneration(null) }
  return inTransaction(db, async (transaction) => {
    // The account is locked first, as in everything that changes one, or two of these could deadlock.
    const update = transaction.updateTable('store_managers').set(changes)
    const enabled = update.where('id', '=', manager.id).where('disabled_at', 'is', null)
    const changed = await enabled.returning(['id', 'name', 'email']).executeTakeFirst()
    if (changed === undefined || !(await useUp(transaction, codeHash))) throw invalidResetCode()
    return changed
  })
}

const isValid = sql<boolean>`expires_at > statement_timestamp()`

function findByCode(db: Database, codeHash: string) {
  return db
    .selectFrom('password_resets')
    .innerJoin('store_managers', 'store_managers.id', 'password_resets.store_manager_id')
    .select(['id', 'name', 'email', 'disabled_at'])
    .where('code_hash', '=', codeHash)
    .where(isValid)
    .executeTakeFirst()
}

async function useUp(transaction: Database, codeHash: string): Promise<boolean> {
  const query = transaction.deleteFrom('password_resets').where('code_hash', '=', codeHash).where(isValid)
  return (await query.executeTakeFirstOrThrow()).numDeletedRows === 1n
}

function invalidResetCode(): Problem {
  return new Problem('invalid_reset_code', 'The reset code is wrong, used, or expired. Ask the operator for a new one.')
}
