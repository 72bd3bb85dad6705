import { CompiledQuery, Kysely, PostgresDialect, sql } from 'kysely'
import { DatabaseError } from 'pg'

import { type Problem, storeUnavailable } from '../problems.ts'
import type { Tables } from './entities.ts'
import { busy, decide } from './errors.ts'
import type { ConnectionPool } from './pool.ts'
import { retry } from './retry.ts'

export type Database = Kysely<Tables>

export function openDatabase(pool: ConnectionPool): Database {
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  // Kysely's work around a statement is for transactions, which have their own executors, and costs 6 to 12 µs per request.
  db.getExecutor().executeQuery = async ({ sql: text, parameters }: CompiledQuery) => {
    const { rows, rowCount } = await pool.query(text, parameters)
    return { rows, numAffectedRows: BigInt(rowCount ?? 0) }
  }
  return db
}

/** Runs a statement as it is written: the query builder would compile it for every call. */
export async function runSql<Row>(db: Database, text: string, values: unknown[]): Promise<Row[]> {
  return (await db.executeQuery<Row>(asWritten(text, values))).rows
}

const empty = CompiledQuery.raw('')

/** Like `CompiledQuery.raw`, which makes a node and freezes it for each call. */
function asWritten<Row>(text: string, parameters: readonly unknown[]): CompiledQuery<Row> {
  return { sql: text, parameters, query: empty.query, queryId: empty.queryId }
}

export function runIn(db: Database) {
  return async (text: string, values: readonly unknown[] = []) => {
    const { rows, numAffectedRows = 0n } = await db.executeQuery(asWritten(text, values))
    return { rows, rowCount: Number(numAffectedRows) }
  }
}

export function isKey(column: string) {
  return sql<boolean>`${sql.ref(column)} = any(${sql.val<string[]>([])})`
}

/** Compiles the query once, because building it takes longer than sending it. */
export function readByKeys<Row>(db: Database, query: CompiledQuery<Row>): (keys: string[]) => Promise<Row[]> {
  return async (keys) => (await db.executeQuery<Row>({ ...query, parameters: [keys] })).rows
}

/** Runs `work` in a transaction, again after conflicts. @throws Problem too_busy or store_unavailable if they persist */
export async function inTransaction<Result>(
  db: Database,
  work: (transaction: Database) => Promise<Result>,
): Promise<Result> {
  try {
    return await retry(() => db.transaction().execute(work), ['retry', 'renew'])
  } catch (error) {
    const decision = decide(error)
    if (decision === 'renew') throw storeUnavailable('PostgreSQL', error)
    throw decision === 'retry' ? busy(error) : error
  }
}

// Throws `problem` if `query` violates `constraint`. Citus names it, with a shard number, in the message only.
export async function onViolation<T>(
  query: Promise<T>,
  constraint: string,
  problem: () => Problem | Promise<Problem>,
): Promise<T> {
  try {
    return await query
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error
    const { code = '', constraint: field = '', message } = error
    if (code.startsWith('23') && (field.startsWith(constraint) || message.includes(constraint))) throw await problem()
    throw error
  }
}
