import { Client } from 'pg'

/** The superuser of a cluster. Nothing but the launcher is it. */
export const administrator = 'postgres'

/** The role of the service, which owns its database and nothing else; and the name of that. */
export const service = 'stockroom'

/** A superuser for the moments in which another one is renamed. */
const interim = 'stockroom_interim'

/** Milliseconds. */
const timeout = 30_000

/** Where a server listens. */
interface Address {
  host: string
  port: number
}

/** SQL: the state of a cluster, for `completeCluster`. */
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

/** Whether a cluster has the role and the database of the service. */
export function isUsable({ isSuperuser, hasDatabase }: ClusterState): boolean {
  return isSuperuser !== null && hasDatabase
}

/**
 * Creates what a cluster lacks: the role of the service, its database. Takes a role of earlier versions, which was the superuser,
 * its powers: that becomes the administrator, and a new one of the same name owns what it owned.
 *
 * @param client of a superuser
 * @returns whether the session of `client` is one of a role that has another name now
 */
export async function completeCluster(client: Client, address: Address, state: ClusterState): Promise<boolean> {
  const run = (text: string) => client.query({ text, query_timeout: timeout } as { text: string })
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

/** A session cannot rename its own role, so another superuser does it, all in one transaction. */
async function demote({ host, port }: Address): Promise<void> {
  const client = new Client({ host, port, user: interim, database: service, query_timeout: timeout, ssl: false })
  client.on('error', () => {})
  await client.connect()
  try {
    await client.query(handOver)
  } finally {
    await client.end()
  }
}

const successor = 'stockroom_successor'

/** SQL that names one thing in the rows of a catalogue, and how to give it away. Extensions stay with the administrator. */
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
