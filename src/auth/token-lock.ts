import type { Session } from '../database/long-transaction.ts'
import type { Token } from './claims.ts'
import { expired, loggedOut, managerDisabled, managerGone } from './tokens.ts'

// Checks that `token` is valid and keeps it valid until the transaction ends: a revocation that is committed before makes this
// throw, and a later one waits for the commit. Call it last, because those requests wait.
export async function lockToken(session: Pick<Session, 'query'>, { sub, jti, exp, generation }: Token): Promise<void> {
  const { rows } = await session.query<Manager>(lockManager, [sub])
  const [manager] = rows
  if (manager === undefined) throw managerGone()
  if (manager.is_disabled) throw managerDisabled()
  if (generation !== manager.generation && jti !== manager.kept) throw loggedOut()
  if (exp * 1000 <= Date.now()) throw expired()
  // A record that is inserted and deleted again is never visible, but a logout waits for it at the primary key.
  const { rowCount } = await session.query(insertRecord, [jti, sub, new Date(exp * 1000)])
  if (rowCount === 0) throw loggedOut()
  await session.query(deleteRecord, [jti])
}

interface Manager {
  generation: number
  kept: string | null
  is_disabled: boolean
}

const lockManager = `
  select token_generation as generation, kept_token as kept, disabled_at is not null as is_disabled
  from store_managers where id = $1 for share`

const insertRecord = `
  insert into revoked_tokens (jti, store_manager_id, expires_at, revoked_at) values ($1, $2, $3, now())
  on conflict (jti) do nothing`

const deleteRecord = 'delete from revoked_tokens where jti = $1'
