import type { Server } from '../../src/database/server.ts'
import { onServer } from './app.ts'

const state = `
  select current_setting('statement_timeout') as statement, current_setting('lock_timeout') as lock,
    current_setting('search_path') as path, current_setting('default_transaction_isolation') as isolation,
    (select count(*)::integer from pg_locks where locktype = 'advisory' and database = (select oid from pg_database
      where datname = current_database())) as locks, pg_sleep(0.05)`

const expected = ['0', '0', '"$user", public', 'read committed', 0]

/** @returns the settings and the number of advisory locks that the sessions of a pooler should not have */
export async function leftovers(pooler: Server): Promise<string[]> {
  const sessions = await Promise.all(Array.from({ length: 10 }, () => onServer(pooler, state)))
  const found = sessions.map(({ rows: [row] }) =>
    JSON.stringify([row.statement, row.lock, row.path, row.isolation, row.locks]),
  )
  return found.filter((each) => each !== JSON.stringify(expected)).map((each) => `a session has ${each}`)
}

/** The names of the statements that sessions of a pooler have prepared. */
export async function preparedStatements(pooler: Server): Promise<string[]> {
  const query = 'select name, pg_sleep(0.05) from pg_prepared_statements union all select null, pg_sleep(0.05)'
  const sessions = await Promise.all(Array.from({ length: 10 }, () => onServer(pooler, query)))
  return sessions.flatMap(({ rows }) => rows.flatMap(({ name }: { name: string | null }) => name ?? []))
}
