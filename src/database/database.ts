import { type CompiledQuery, Kysely, PostgresDialect, sql } from 'kysely'
import { DatabaseError } from 'pg'

import type { Problem } from '../problems.ts'
import type { Tables } from './entities.ts'
import { busy, decide } from './errors.ts'
import type { ConnectionPool } from './pool.ts'
import { retry } from './retry.ts'

export type Database = Kysely<Tables>

/** A typed database over `pool`. */
export function openDatabase(pool: ConnectionPool): Database {
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  // What Kysely does around a statement is for transactions, which have executors of their own: 6 to 12 µs of a request.
  db.getExecutor().executeQuery = async ({ sql: text, parameters }: CompiledQuery) => {
    const { rows, rowCount } = await pool.query(text, parameters)
    return { rows, numAffectedRows: BigInt(rowCount ?? 0) }
  }
  return db
}

/** The condition of a query for `readByKeys`: that `column` is one of the keys. */
export function isKey(column: string) {
  return sql<boolean>`${sql.ref(column)} = any(${sql.val<string[]>([])})`
}

/** Makes a reader of a query whose only parameter is that of `isKey`. It is compiled once: to build it takes longer than to send it. */
export function readByKeys<Row>(db: Database, query: CompiledQuery<Row>): (keys: string[]) => Promise<Row[]> {
  return async (keys) => (await db.executeQuery<Row>({ ...query, parameters: [keys] })).rows
}

/** Runs `work` in a transaction, again if others got in its way. @throws Problem too_busy if they always do */
export async function inTransaction<Result>(
  db: Database,
  work: (transaction: Database) => Promise<Result>,
): Promise<Result> {
  try {
    return await retry(() => db.transaction().execute(work), ['retry'])
  } catch (error) {
    throw decide(error) === 'retry' ? busy(error) : error
  }
}

/**
 * Runs `query`, whose violation of `constraint` is what `problem` says.
 * Citus leaves the constraint's field out and adds a shard's number to the name, so the message is searched too.
 */
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
