import { type ClientBase, type Connection, Query, type QueryConfig, type QueryResult } from 'pg'

import { limitTransaction, margin, usualLimit } from './limits.ts'
import { statementName } from './statement-name.ts'

export interface Statement {
  text: string
  values: readonly unknown[]
  /** Whether it comes often enough to be prepared. */
  isPrepared: boolean
  /** Milliseconds that PostgreSQL may take. */
  limit: number
}

/** Sends one statement. @param isLimited whether its session or transaction has this limit already */
export function send(client: ClientBase, statement: Statement, isLimited: boolean): Promise<QueryResult> {
  const { text, values, isPrepared, limit } = statement
  const config = { ...(isPrepared && { name: statementName(text) }), text, values: [...values] }
  const waiting = { ...config, query_timeout: limit + margin }
  if (isLimited) return client.query(waiting)
  const { promise, resolve, reject } = Promise.withResolvers<QueryResult>()
  client.query(new LimitedQuery(config, limit, (error, result) => (error ? reject(error) : resolve(result))))
  return promise
}

/** Sends statements that take no time and have no values, such as those around a transaction. */
export function sendPlain(client: ClientBase, text: string): Promise<unknown> {
  const statement = { text, query_timeout: usualLimit + margin }
  return client.query(statement)
}

/** What pg calls on a query as messages arrive, which its types leave out. */
interface Handlers {
  handleDataRow(message: unknown): void
  handleCommandComplete(message: unknown, connection: Connection): void
}
const handlers = Query.prototype as unknown as Handlers

/**
 * A statement behind another one that sets its limits, sent together. Both are one implicit transaction, with which the
 * limits end: nothing is left behind in a session that a pooler shares.
 */
class LimitedQuery extends Query {
  readonly query_timeout: number
  #isLimited = false

  constructor(config: QueryConfig, limit: number, callback: (error: Error | undefined, result: QueryResult) => void) {
    super({ ...config, queryMode: 'extended' } as QueryConfig, callback)
    this.query_timeout = limit + margin
    const { submit } = this
    this.submit = (connection) => {
      connection.stream.cork()
      connection.parse({ name: '', text: limitTransaction(limit), types: [] }, true)
      connection.bind({ values: [] }, true)
      connection.execute({}, true)
      const error: unknown = submit.call(this, connection)
      connection.stream.uncork()
      return error
    }
  }

  handleDataRow(message: unknown): void {
    if (this.#isLimited) handlers.handleDataRow.call(this, message)
  }

  handleCommandComplete(message: unknown, connection: Connection): void {
    if (this.#isLimited) handlers.handleCommandComplete.call(this, message, connection)
    this.#isLimited = true
  }
}
