import { onServer, type TestApp } from './app.ts'

/** What each COPY of items that the application runs waits for. */
export async function waitsOfCopies(app: TestApp): Promise<string[]> {
  const { rows } = await onServer(app.server, `select wait_event ${copiesOf(app)}`)
  return rows.map(({ wait_event: event }) => event)
}

export async function terminateCopies(app: TestApp): Promise<void> {
  await onServer(app.server, `select pg_terminate_backend(pid) ${copiesOf(app)}`)
}

function copiesOf({ context }: TestApp): string {
  return `from pg_stat_activity where query like 'copy %' and state = 'active' and backend_type = 'client backend'
    and pid in (select pid from pg_locks where relation = '${context.config.pool.schema}.items'::regclass)`
}
