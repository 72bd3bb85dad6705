import { Client } from 'pg'

export const administrator = 'postgres'

export const service = 'stockroom'

const interim = 'stockroom_interim'

const timeoutMs = 30_000

interface Address {
  host: string
  port: number
}

export const clusterState = `
  (select rolsuper from pg_roles where rolname = '${service}') as "isSuperuser",
  exists (select from pg_database where datname = '${service}') as "hasDatabase",
  exists (select from pg_roles where rolname = '${interim}') as "hasInterim"`

export interface ClusterState {
  /** Null if the role is missing; true in a cluster of a version that had no other role. */
  isSuperuser: boolean | null
  hasDatabase: boolean
  hasInterim: boolean
}

export function isUsable({ isSuperuser, hasDatabase }: ClusterState): boolean {
  return isSuperuser !== null && hasDatabase
}

// Creates the role and the database of the service if missing. In a cluster of an earlier version, whose superuser had that
// name, the superuser becomes the administrator, and a new role takes over what it owned.
export async function completeCluster(client: Client, address: Address, state: ClusterState): Promise<boolean> {
  const run = (text: string) => client.query({ text, query_timeout: timeoutMs } as { text: string })
  const isOld = state.isSuperuser === true
  if (state.isSuperuser === null) await run(`create role ${service} login`)
  if (!state.hasDatabase) await run(`create database ${service} owner ${service}`)
  if (state.hasInterim) await run(`drop role ${interim}`)
  if (!isOld) return false
  await run(`create role ${interim} superuser login`)
  await demote(address)
  await run(`drop role ${interim}`)
  return true
}

/** A session cannot rename its own role, so another superuser does it, in one transaction. */
async function demote({ host, port }: Address): Promise<void> {
  const client = new Client({ host, port, user: interim, database: service, query_timeout: timeoutMs, ssl: false })
  client.on('error', () => {})
  await client.connect()
  try {
    await client.query(handOver)
  } finally {
    await client.end()
  }
}

const successor = 'stockroom_successor'

/** Extensions stay with the administrator. */
const belongings = `
  select format('alter schema %I owner to ${successor}', nspname) as statement
    from pg_namespace where nspowner = 10 and nspname !~ '^pg_' and nspname <> 'information_schema'
  union all
  select format('alter %s %s owner to ${successor}', case relkind when 'S' then 'sequence' when 'v' then 'view'
      when 'm' then 'materialized view' when 'f' then 'foreign table' else 'table' end, oid::regclass)
    from pg_class where relowner = 10 and relkind in ('r', 'p', 'v', 'm', 'f', 'S') and oid >= 16384
      and not exists (select from pg_depend where classid = 'pg_class'::regclass and objid = pg_class.oid and deptype in ('a', 'e', 'i'))
  union all
  select format('alter routine %s owner to ${successor}', oid::regprocedure)
    from pg_proc where proowner = 10 and oid >= 16384
      and not exists (select from pg_depend where classid = 'pg_proc'::regclass and objid = pg_proc.oid and deptype in ('e', 'i'))
  union all
  select format('alter type %s owner to ${successor}', oid::regtype)
    from pg_type where typowner = 10 and typtype in ('d', 'e', 'r') and oid >= 16384
      and not exists (select from pg_depend where classid = 'pg_type'::regclass and objid = pg_type.oid and deptype in ('e', 'i'))`

const handOver = `
  begin;
  create role ${successor} login;
  do $$
  declare statement text;
  begin
    for statement in ${belongings} loop
      execute statement;
    end loop;
  end $$;
  alter database ${service} owner to ${successor};
  alter role ${service} rename to ${administrator};
  alter role ${successor} rename to ${service};
  commit`
