import type { Client } from 'pg'

/**
 * Does `work`, which adds many items, while their table has its primary key alone: to make the indexes afterwards takes a
 * tenth of the time. @param restore whether they are made afterwards
 */
export async function withoutIndexes(client: Client, work: () => Promise<void>, restore = true): Promise<void> {
  const { rows } = await client.query(
    `select indexname as name, indexdef as definition from pg_indexes
     where schemaname = current_schema and tablename = 'items' and indexname <> 'items_pkey'`,
  )
  for (const { name } of rows) await client.query(`drop index ${name}`)
  await work()
  if (!restore) return
  await client.query(`set maintenance_work_mem = '256MB'`)
  for (const { definition } of rows) await client.query(definition)
}
