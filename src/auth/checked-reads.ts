import type { SelectQueryBuilder } from 'kysely'

import { batchReads } from '../concurrency/batching.ts'
import { type Database, readByKeys, runSql } from '../database/database.ts'
import type { Tables } from '../database/entities.ts'
import type { ConnectionPool } from '../database/pool.ts'
import { type Observability, observeBatches } from '../observability/metrics/watch.ts'
import type { Token } from './claims.ts'
import { recordColumns, recordOf, type RecordRow, type Revocations } from './revocations.ts'
import type { CheckedRow, TokenCheck } from './token-check.ts'

/** Reads a row by its key for a request with `token`. @throws Problem invalid_token */
export type CheckedReader<Row> = (token: Token, id: string) => Promise<Row | undefined>

interface Sources extends Pick<TokenCheck, 'admit' | 'wasJustChecked'>, Observability {
  db: Database
  pool: Pick<ConnectionPool, 'engine'>
  revocations: Revocations
}

interface Read {
  token: Token
  id: string
  asksRedis: boolean
}

/**
 * Reads rows by key, and checks the tokens of the requests for them, in the same statement if that is faster. Redis is asked
 * about a token of Stockroom at most once a second, because it has nothing that their record lacks but revocations by other
 * services.
 *
 * @param query selects rows, each with its `id`, by an array of IDs, its only parameter
 */
export function checkedReader<Table extends keyof Tables, Row extends { id: string }>(
  sources: Sources,
  query: SelectQueryBuilder<Tables, Table, Row>,
  maxConcurrency: number,
): CheckedReader<Row> {
  const { db, pool, revocations, admit, wasJustChecked } = sources
  const text = withRecord(query)
  const readRows = readByKeys(db, query.compile())
  const { readsTogether } = pool.engine
  const readMany = async (reads: Read[]) => {
    const found = new Map<string, Row>()
    const ids = [...new Set(reads.map(({ id }) => id))]
    const tokens = [...new Set(reads.map(({ token }) => token))]
    const toAskRedis = [...new Set(reads.filter(({ asksRedis }) => asksRedis).map(({ token }) => token))]
    const keep = (rows: Row[]) => {
      for (const row of rows) found.set(row.id, row)
    }
    const readRecord = async (keys: [managers: string[], tokens: string[]]) => {
      const rows = await runSql<Row | (RecordRow & { id: null })>(db, text, [ids, ...keys])
      for (const row of rows) if (row.id !== null) found.set(row.id, row)
      return rows.filter((row) => row.id === null)
    }
    const [refusals] = await Promise.all([
      revocations.findRevoked(tokens, readsTogether ? readRecord : undefined, toAskRedis),
      readsTogether ? undefined : readRows(ids).then(keep),
    ])
    return new Map(reads.map((read) => [read, { problem: refusals.get(read.token), row: found.get(read.id) }]))
  }
  const readBatched = batchReads(readMany, maxConcurrency, observeBatches(sources, 'reads'))
  return (token, id) => {
    const asksRedis = !wasJustChecked(token)
    return admit(token, async () => (await readBatched({ token, id, asksRedis })) as CheckedRow<Row>, asksRedis)
  }
}

/** A row has null in the columns of the other part. */
function withRecord<Row>(query: SelectQueryBuilder<Tables, keyof Tables, Row>): string {
  const { selections } = query.toOperationNode() as { selections: readonly unknown[] }
  return `
    select found.*, ${recordColumns.map(([name, type]) => `null::${type} as ${name}`).join()}
    from (${query.compile().sql}) as found
    union all
    select ${selections.map(() => 'null').join()}, record.* from (${recordOf('$2', '$3')}) as record`
}
