import type { Session } from '../../database/long-transaction.ts'
import type { RowError } from './report.ts'
import { maxListedErrors } from './schemas.ts'

export interface Staged {
  rows: number
  withIds: boolean
  /** Whether some prices are thousands if the file has decimal commas, and whether it has. */
  withDoubts: boolean
  hasCommas: boolean
}

export interface MergeOptions {
  mode: 'create' | 'upsert'
  owner: string
  requestId: string
  canUpdateOthers: boolean
  needsVersion: boolean
  stopOnError: boolean
  dryRun: boolean
}

export const differs = `(items.name, items.category, items.price_usd, items.in_stock)
  is distinct from (imported.name, imported.category, imported.price_usd, imported.in_stock)`

export interface Conflict {
  rows: number
  errors: RowError[]
}

interface ConflictRule {
  /** Deletes rows from `imported` and returns their lines, and a number for the message as `other`. */
  sql: string
  column?: string
  type: string
  msg: (other: string) => string
}

const duplicate: ConflictRule = {
  sql: `
    delete from imported using (
      select line, lag(line) over (partition by id order by line) as other from imported
      where id in (select id from imported group by id having count(*) > 1)) as named
    where imported.line = named.line and named.other is not null returning imported.line, named.other`,
  type: 'duplicate_id',
  msg: (other) => `duplicates line ${other}: remove one of them`,
}

const exists: ConflictRule = {
  sql: 'delete from imported using items where items.id = imported.id returning line, 0 as other',
  type: 'id_exists',
  msg: () => 'already exists: use mode=upsert to update it',
}

const notOwner: ConflictRule = {
  sql: `
    delete from imported using items where items.id = imported.id and items.store_manager_id <> $1
    returning line, 0 as other`,
  type: 'not_owner',
  msg: () => 'belongs to another manager: remove the row',
}

const nil = '00000000-0000-0000-0000-000000000000'
const max = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

/** Existing items keep any ID; $1 is the greatest UUIDv7 that a new item may have. */
const unfit: ConflictRule = {
  sql: `
    delete from imported
    where (id = '${nil}' or id = '${max}' or id > $1::uuid and substr(id::text, 15, 1) = '7')
      and not exists (select from items where items.id = imported.id)
    returning line, case id when '${nil}' then 0 when '${max}' then 1 else 2 end as other`,
  type: 'unfit_id',
  msg: (other) =>
    [
      'is the nil UUID: leave it empty to get a new ID',
      'is the max UUID: leave it empty to get a new ID',
      'is a UUIDv7 from the future: leave it empty to get a new ID',
    ][Number(other)] ?? '',
}

/** Milliseconds that the clock which made an ID may be ahead of this one. */
const clockTolerance = 10_000

const goneItem: ConflictRule = {
  sql: `
    delete from imported where version is not null and not exists (select from items where items.id = imported.id)
    returning line, version as other`,
  column: 'version',
  type: 'item_not_found',
  msg: () => 'is set, but no item has this ID: leave the version empty to create the item',
}

const otherVersion: ConflictRule = {
  sql: `
    delete from imported using items where items.id = imported.id and imported.version <> items.version and ${differs}
    returning line, items.version as other`,
  column: 'version',
  type: 'version_mismatch',
  msg: (other) => `is outdated, the current version is ${other}: export the item again and repeat the change`,
}

const noVersion: ConflictRule = {
  sql: `
    delete from imported using items where items.id = imported.id and imported.version is null and ${differs}
    returning line, items.version as other`,
  column: 'version',
  type: 'version_required',
  msg: () => 'is required to update an item, because REQUIRE_IF_MATCH is set: add the version that the row is based on',
}

const doubtful: ConflictRule = {
  sql: 'delete from imported where is_doubtful returning line, price_usd as other',
  column: 'price_usd',
  type: 'ambiguous_number',
  msg: (other) => {
    const price = Number(other).toFixed(3)
    const thousands = price.replace('.', '')
    return `"${price}" may mean ${thousands} or ${price}, for other prices have decimal commas: write ${thousands}, or ${price}0`
  },
}

export function ambiguousPrice(line: number, price: number): RowError {
  return { line, column: 'price_usd', type: doubtful.type, msg: doubtful.msg(String(price)) }
}

/** Deletes the rows that cannot be written from `imported`, which has not been analyzed yet. */
export async function refusalsOf(session: Session, staged: Staged, how: MergeOptions): Promise<Conflict[]> {
  const { mode, owner, canUpdateOthers, needsVersion } = how
  const refused: Conflict[] = []
  const take = async (refusal: ConflictRule, ...values: string[]) => {
    refused.push(await refuse(session, refusal, values))
  }
  if (staged.withDoubts && staged.hasCommas) await take(doubtful)
  if (staged.withIds) {
    await session.query('analyze pg_temp.imported')
    await take(duplicate)
    await take(unfit, greatestId(Date.now() + clockTolerance))
    if (mode === 'create') await take(exists)
    else {
      if (!canUpdateOthers) await take(notOwner, owner)
      await take(goneItem)
      await take(otherVersion)
      if (needsVersion) await take(noVersion)
    }
  }
  return refused.filter(({ rows }) => rows > 0)
}

async function refuse(session: Session, refusal: ConflictRule, values: string[]): Promise<Conflict> {
  const { sql, column = 'id', type, msg } = refusal
  // A million of them would exceed the memory of an import.
  const some = `
    with refused as (${sql})
    select line, other::text, count(*) over ()::integer as total from refused order by line limit ${maxListedErrors}`
  const { rows } = await session.query<{ line: number; other: string; total: number }>(some, values)
  const errors = rows.map(({ line, other }) => ({ line, column, type, msg: msg(other) }))
  return { rows: rows[0]?.total ?? 0, errors }
}

function greatestId(time: number): string {
  return `${time
    .toString(16)
    .padStart(12, '0')
    .replace(/(.{8})/, '$1-')}-7fff-bfff-ffffffffffff`
}
