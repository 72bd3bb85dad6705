import { type Expression, type SqlBool, sql, type UpdateObject } from 'kysely'

import { bumpGeneration } from '../auth/revocations.ts'
import { type Database, inTransaction } from '../database/database.ts'
import type { Tables } from '../database/entities.ts'
import { forgetResetCode } from '../store-managers/password-reset.ts'
import { hasEmail } from '../store-managers/store-managers.ts'

export interface Manager {
  id: string
  name: string
  email: string
  disabled_at: Date | null
  tokens_ended_at: Date | null
}

export interface Counted extends Manager {
  items: number
}

const pageSize = 1_000

const columns = ['id', 'name', 'email', 'disabled_at', 'tokens_ended_at'] as const

// Rejects requests and logins on all replicas from the commit on. Tokens stay revoked, also on replicas of earlier versions.
export function disable(db: Database, who: string): Promise<Manager | undefined> {
  const isEnabled = sql<boolean>`${isManager(who)} and disabled_at is null`
  return inTransaction(db, async (transaction) => {
    // Two statements, because Citus accepts no now() within coalesce().
    const changes = { ...bumpGeneration(null), disabled_at: sql<Date>`now()` }
    const manager =
      (await update(transaction, isEnabled, changes)) ??
      (await update(transaction, isManager(who), bumpGeneration(null)))
    if (manager) await forgetResetCode(transaction, manager.id)
    return manager
  })
}

/** Also revokes tokens that a replica of an earlier version has issued since. */
export async function enable(db: Database, who: string): Promise<Manager | undefined> {
  const isDisabled = sql<boolean>`${isManager(who)} and disabled_at is not null`
  return (await update(db, isDisabled, { ...bumpGeneration(null), disabled_at: null })) ?? find(db, who)
}

export function endTokens(db: Database, who: string): Promise<Manager | undefined> {
  return update(db, isManager(who), bumpGeneration(null))
}

export async function find(db: Database, who: string): Promise<Counted | undefined> {
  return (await countItems(db, await select(db).where(isManager(who)).execute()))[0]
}

export async function* pages(db: Database): AsyncGenerator<Counted[]> {
  const query = select(db).orderBy('id').limit(pageSize)
  let page = await query.execute()
  while (page.length > 0) {
    yield await countItems(db, page)
    page = await query.where('id', '>', page.at(-1)?.id ?? '').execute()
  }
}

function select(db: Database) {
  return db.selectFrom('store_managers').select(columns)
}

/** A statement of its own, because Citus cannot count the items of each manager in the one that reads them. */
async function countItems(db: Database, managers: Manager[]): Promise<Counted[]> {
  const ids = managers.map(({ id }) => id)
  const counts = await db
    .selectFrom('items')
    .select(['store_manager_id as id', sql<number>`count(*)::integer`.as('items')])
    .where('store_manager_id', '=', sql<string>`any(${ids}::uuid[])`)
    .groupBy('store_manager_id')
    .execute()
  const itemsOf = new Map(counts.map(({ id, items }) => [id, items]))
  return managers.map((manager) => ({ ...manager, items: itemsOf.get(manager.id) ?? 0 }))
}

function update(
  db: Database,
  condition: Expression<SqlBool>,
  changes: UpdateObject<Tables, 'store_managers'>,
): Promise<Manager | undefined> {
  return db.updateTable('store_managers').set(changes).where(condition).returning(columns).executeTakeFirst()
}

function isManager(who: string): Expression<SqlBool> {
  return uuid.test(who) ? sql<boolean>`id = ${who}::uuid` : hasEmail(who)
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
