import type { PoolClient, QueryResult } from 'pg'

import { sessionSettings } from './limits.ts'

/** Milliseconds. */
const timeout = 2_000

/**
 * Checks a new connection and gives its session the settings that statements rely on, in one round trip.
 *
 * A standby takes no writes, and may not have heard of the last logouts, so nothing is asked of one. Behind a pooler the
 * backend has another process ID than the connection was told. Its sessions are shared, so settings would stay behind for
 * other clients, and are not made.
 *
 * @returns whether the session has the settings
 * @throws Error if the server is a standby
 */
export async function verify(client: PoolClient): Promise<boolean> {
  const { processID } = client as PoolClient & { processID?: number }
  const pid = processID ?? 0
  const statements = { text: firstStatements(pid), query_timeout: timeout }
  const results: unknown = await client.query(statements)
  const [, answer] = results as [QueryResult, QueryResult<{ isStandby: boolean; isDirect: boolean }>]
  const [row] = answer.rows
  if (row?.isStandby !== false) throw new Error('this PostgreSQL is a standby')
  return row.isDirect
}

// Not every version and platform has all settings: PostgreSQL cannot look after its clients everywhere.
function firstStatements(pid: number): string {
  const values = Object.entries(sessionSettings).map(([name, value]) => `('${name}', '${value}')`)
  return `
    set local statement_timeout = 0;
    select pg_is_in_recovery() as "isStandby", pg_backend_pid() = ${pid} as "isDirect";
    do $$
      declare setting record;
      begin
        if pg_backend_pid() <> ${pid} then return; end if;
        for setting in values ${values.join(', ')} loop
          begin
            perform set_config(setting.column1, setting.column2, false);
          exception when others then null;
          end;
        end loop;
      end
    $$`
}
