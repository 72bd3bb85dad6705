import type { Session } from '../../database/session.ts'
import type { RowError } from './report.ts'
import { listedErrors } from './schemas.ts'

/** What to do with rows that wait. */
export interface Merge {
  mode: 'create' | 'upsert'
  /** Whose new items are. */
  owner: string
  /** Whether those of others may be changed. */
  isShared: boolean
  /** Whether nothing is written if a row is bad. */
  stops: boolean
  /** Whether nothing is written at all. */
  isDry: boolean
}

/** Rows that cannot be written for one reason, because of others in the file or in the table. */
export interface Refused {
  rows: number
  /** The first of them. */
  errors: RowError[]
}

interface Refusal {
  /** Takes the rows out of `imported`. */
  sql: string
  type: string
  /** @param other a line that matters */
  msg: (other: number) => string
}

const duplicate: Refusal = {
  sql: `
    delete from imported using (
      select line, lag(line) over (partition by id order by line) as other from imported
      where id in (select id from imported group by id having count(*) > 1)) as named
    where imported.line = named.line and named.other is not null returning imported.line, named.other`,
  type: 'duplicate_id',
  msg: (other) => `is in line ${other} already`,
}

const exists: Refusal = {
  sql: 'delete from imported using items where items.id = imported.id returning line, 0 as other',
  type: 'id_exists',
  msg: () => 'is of an item that is there already: mode=upsert changes such',
}

const notOwner: Refusal = {
  sql: `
    delete from imported using items where items.id = imported.id and items.store_manager_id <> $1
    returning line, 0 as other`,
  type: 'not_owner',
  msg: () => 'is of an item of another manager, who alone may change it',
}

/** Takes the rows that cannot be written out of `imported`, which has not been analyzed yet. */
export async function refusalsOf(session: Session, { mode, owner, isShared }: Merge): Promise<Refused[]> {
  await session.query('analyze pg_temp.imported')
  const refused = [await refuse(session, duplicate)]
  if (mode === 'create') refused.push(await refuse(session, exists))
  else if (!isShared) refused.push(await refuse(session, notOwner, [owner]))
  return refused.filter(({ rows }) => rows > 0)
}

async function refuse(session: Session, { sql, type, msg }: Refusal, values: string[] = []): Promise<Refused> {
  // A million of them would not fit into the memory that an import may take.
  const some = `with refused as (${sql}) select line, other, count(*) over ()::integer as total from refused order by line limit ${listedErrors}`
  const { rows } = await session.query<{ line: number; other: number; total: number }>(some, values)
  const errors = rows.map(({ line, other }) => ({ line, column: 'id', type, msg: msg(other) }))
  return { rows: rows[0]?.total ?? 0, errors }
}
