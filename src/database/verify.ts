import type { PoolClient, QueryResult } from 'pg'

import type { SessionSettings } from './limits.ts'

const timeoutMs = 2_000

// Rejects a standby, which accepts no writes and may lag behind revocations. Behind a pooler, the backend has another process
// ID than the connection got at its start; its sessions are shared, so settings would leak to other clients, and are not made.
export async function verify(client: PoolClient, settings: SessionSettings): Promise<boolean> {
  const { processID } = client as PoolClient & { processID?: number }
  const pid = processID ?? 0
  const statements = { text: firstStatements(pid, settings), query_timeout: timeoutMs }
  const results: unknown = await client.query(statements)
  const [, state] = results as [QueryResult, QueryResult<{ isStandby: boolean; isDirect: boolean }>]
  const [row] = state.rows
  if (row?.isStandby !== false) throw new StandbyError()
  return row.isDirect
}

export class StandbyError extends Error {
  override name = 'StandbyError'

  constructor() {
    super('this PostgreSQL is a standby')
  }
}

// Not every version and platform has all settings.
function firstStatements(pid: number, settings: SessionSettings): string {
  const values = Object.entries(settings).map(([name, value]) => `('${name}', '${value}')`)
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
