import { sql } from 'kysely'

import { type Database, runSql } from '../database/database.ts'
import { deleteInBatches } from '../database/purging.ts'
import type { Token } from './claims.ts'

export interface IdleTokens {
  check(tokens: Token[]): Promise<Set<Token>>
  purge(): Promise<void>
}

// Records a use at most once per tenth of `timeout` and per minute: a token is revoked at most that much too late, never too early.
export function openIdleTokens(db: Database, timeout: number): IdleTokens {
  const precision = Math.min(timeout / 10, 60)
  const longest = timeout + precision

  return {
    async check(tokens) {
      const values = [tokens.map(({ jti }) => jti), tokens.map(({ issuedAt }) => issuedAt), precision, longest]
      const rows = await runSql<Use>(db, uses, values)
      const ended = new Set(rows.filter(({ is_idle: isIdle }) => isIdle).map(({ jti }) => jti))
      const used = rows.filter(({ is_idle: isIdle }) => !isIdle).map(({ jti }) => jti)
      if (used.length > 0) await runSql(db, record, [used])
      return new Set(tokens.filter(({ jti }) => ended.has(jti)))
    },

    purge: () =>
      deleteInBatches(db, {
        table: 'token_uses',
        key: 'jti',
        where: sql`used_at < now() - make_interval(secs => ${longest})`,
      }),
  }
}

interface Use {
  jti: string
  is_idle: boolean
}

const uses = `
  select wanted.jti, last.seconds > $4 as is_idle
  from unnest($1::uuid[], $2::bigint[]) as wanted (jti, issued_at)
  left join token_uses on token_uses.jti = wanted.jti
  cross join lateral (
    select extract(epoch from statement_timestamp() - greatest(token_uses.used_at, to_timestamp(wanted.issued_at))) as seconds
  ) as last
  where token_uses.jti is null or last.seconds > $3`

// Sorted, because two processes that record the same tokens could deadlock otherwise.
const record = `
  insert into token_uses (jti, used_at)
  select distinct jti, statement_timestamp() from unnest($1::uuid[]) as used (jti) order by jti
  on conflict (jti) do update set used_at = excluded.used_at`
