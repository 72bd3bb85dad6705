import type { Session } from '../../database/long-transaction.ts'
import { differs, type MergeOptions } from './conflicts.ts'
import type { Staged } from './conflicts.ts'
import { zeroCounts, type Written } from './report.ts'
import { maxListedChanges } from './schemas.ts'

export async function preview(session: Session, staged: Staged, { mode, owner }: MergeOptions): Promise<Written> {
  const allNew = { ...zeroCounts, created: staged.rows, ...(mode === 'upsert' && { changes: [] }) }
  const mayChange = mode === 'upsert' && staged.withIds
  const written = mayChange ? await oneRow<Written>(session, compare) : allNew
  return { ...written, ...(await oneRow<Pick<Written, 'same_name'>>(session, sameName, [owner])) }
}

async function oneRow<Row extends object>(session: Session, text: string, values: unknown[] = []): Promise<Row> {
  const { rows } = await session.query<Row>(text, values)
  return rows[0] as Row
}

/** An import that is repeated by mistake creates everything twice, which only the names reveal. */
const sameName = `
  select count(*)::integer as same_name from imported
  where name in (select name from items where store_manager_id = $1)
    and not exists (select from items where items.id = imported.id)`

const fieldsOf = (table: 'items' | 'imported') => {
  const fields = ['name', 'category', 'price_usd', 'in_stock'].map((column) => `'${column}', ${table}.${column}`)
  return `json_build_object(${fields.join(', ')})`
}

// The shown rows are fetched by their places: joining the tables again for them took as long as all the rest.
const compare = `
  with compared as materialized (
    select imported.line, imported.ctid as place, items.id, items.id is not null and ${differs} as is_changed
    from imported left join items on items.id = imported.id)
  select (count(*) filter (where id is null))::integer as created,
    (count(*) filter (where is_changed))::integer as updated,
    (count(*) filter (where id is not null and not is_changed))::integer as unchanged,
    (select coalesce(json_agg(change order by line), '[]') from (
      select first.line, json_build_object('line', first.line, 'id', items.id,
        'before', ${fieldsOf('items')}, 'after', ${fieldsOf('imported')}) as change
      from (select * from compared where is_changed order by line limit ${maxListedChanges}) as first
      join imported on imported.ctid = first.place join items on items.id = first.id) as changes) as changes
  from compared`
