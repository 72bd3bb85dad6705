import { hashResetCode } from '../../src/auth/reset-codes.ts'
import type { Context } from '../../src/context.ts'
import { issueResetCode } from '../../src/store-managers/password-reset.ts'

/** Issues `code` for the only manager, where an operator would issue a random one. */
export async function issueCode({ db }: Context, code: string): Promise<void> {
  const { id } = await db.selectFrom('store_managers').select('id').executeTakeFirstOrThrow()
  await issueResetCode(db, id)
  await db
    .updateTable('password_resets')
    .set({ code_hash: hashResetCode(code) })
    .execute()
}
