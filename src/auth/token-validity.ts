import { type Database, inTransaction, runSql } from '../database/database.ts'
import type { Problem } from '../problems.ts'
import type { Token } from './claims.ts'
import { expired, loggedOut, managerDisabled, managerGone } from './tokens.ts'

// Lets a statement that writes check its tokens itself: their values are its first parameters, one row of `wanted` each. Here
// expiry depends on PostgreSQL's clock; in every other check, on that of the process.

export const tokenArrays = '$1::uuid[], $2::uuid[], $3::integer[], $4::bigint[]'
export const tokenColumns = 'manager_id, jti, generation, exp'

export function tokenValues(tokens: Token[]): unknown[][] {
  return [
    tokens.map(({ sub }) => sub),
    tokens.map(({ jti }) => jti),
    tokens.map(({ generation }) => generation),
    tokens.map(({ exp }) => exp),
  ]
}

const allowsToken = `store_managers.id = wanted.manager_id and store_managers.disabled_at is null
  and (store_managers.token_generation = wanted.generation or store_managers.kept_token = wanted.jti)`

const isCurrent = `wanted.exp > extract(epoch from statement_timestamp())
  and not exists (select from revoked_tokens where revoked_tokens.jti = wanted.jti)`

export const wantedWithManager = (unnest: string, columns: string) => `
  select wanted.*, store_managers.name as manager_name
  from unnest(${unnest}) as wanted (${columns}) join store_managers on ${allowsToken}
  where ${isCurrent}`

interface Verdict {
  is_valid: boolean
  is_expired: boolean
  is_disabled: boolean | null
}

const judge = `
  select (${isCurrent} and exists (select from store_managers where ${allowsToken})) as is_valid, wanted.exp <= extract(epoch from statement_timestamp()) as is_expired,
    (select disabled_at is not null from store_managers where store_managers.id = wanted.manager_id) as is_disabled
  from unnest(${tokenArrays}) as wanted (${tokenColumns})`

export type Query = (text: string, values: unknown[]) => Promise<{ rows: unknown[] }>

export async function refusal(query: Query, token: Token): Promise<Problem | undefined> {
  const { rows } = await query(judge, tokenValues([token]))
  const { is_valid: isValid, is_expired: isExpired, is_disabled: isDisabled } = rows[0] as Verdict
  if (isValid) return undefined
  if (isDisabled === null) return managerGone()
  if (isDisabled) return managerDisabled()
  return isExpired ? expired() : loggedOut()
}

export function queryOf(db: Database): Query {
  return async (text, values) => ({ rows: await runSql(db, text, values) })
}

// Everything that changes an account or revokes tokens does so here, after checking the token, and one after the other, because
// the row of the manager is locked. Deletions take a stronger lock from the start: raising it later could deadlock.
export function asManager<Result>(
  db: Database,
  token: Token,
  work: (transaction: Database, manager: { password_hash: string }) => Promise<Result>,
  toDelete = false,
): Promise<Result> {
  return inTransaction(db, async (transaction) => {
    const query = transaction.selectFrom('store_managers').select('password_hash').where('id', '=', token.sub)
    const locking = toDelete ? query.forUpdate() : query.forNoKeyUpdate()
    const manager = await locking.executeTakeFirstOrThrow(managerGone)
    // A statement of its own, because the snapshot of the first one is older than its lock.
    const problem = await refusal(queryOf(transaction), token)
    if (problem) throw problem
    return work(transaction, manager)
  })
}
