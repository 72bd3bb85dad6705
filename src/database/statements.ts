import { type ClientBase, type Connection, Query, type QueryConfig, type QueryResult } from 'pg'

import { begin, limitTransaction, marginMs, usualLimitMs } from './limits.ts'
import { statementName } from './statement-name.ts'
import { StandbyError } from './verify.ts'

export interface Statement {
  text: string
  values: readonly unknown[]
  isPrepared: boolean
  limit: number
  schema: string
  /** Whether PostgreSQL plans it for its values, and runs it in one process, without parallel workers. */
  isSlow: boolean
}

export function send(client: ClientBase, statement: Statement, isLimited: boolean): Promise<QueryResult> {
  const { text, values, isPrepared } = statement
  const config = {
    name: isPrepared ? statementName(text) : '',
    text,
    values: values as unknown[],
    query_timeout: statement.limit + marginMs,
  }
  if (isLimited) return client.query(config)
  const { promise, resolve, reject } = Promise.withResolvers<QueryResult>()
  const query = new LimitedQuery(config, statement, (error, result) => {
    if (error) reject(error)
    else if (query.isOnStandby) reject(new StandbyError())
    else resolve(result)
  })
  client.query(query)
  return promise
}

/** Begins a transaction. @throws Error on a standby */
export async function sendBegin(client: ClientBase, schema: string, limit: number): Promise<unknown> {
  const results = await sendPlain(client, begin(schema, limit))
  assertPrimary(results)
  return results
}

/** @param results of statements sent together, the last of which is `selectIsStandby` */
export function assertPrimary(results: unknown): void {
  const last = (results as QueryResult<{ isStandby: boolean }>[]).at(-1)
  if (last?.rows[0]?.isStandby !== false) throw new StandbyError()
}

export function sendPlain(client: ClientBase, text: string): Promise<unknown> {
  const statement = { text, query_timeout: usualLimitMs + marginMs }
  return client.query(statement)
}

interface Row {
  fields: (string | null)[]
}

/** pg calls these as messages arrive, but its types omit them. */
interface Handlers {
  handleDataRow(message: Row): void
  handleCommandComplete(message: unknown, connection: Connection): void
}
const handlers = Query.prototype as unknown as Handlers

// Sends a statement together with one that sets its schema and limits. Both form one implicit transaction, so the settings end with
// it and do not leak into a session that a pooler shares. The first one also tells a standby, to which the pooler may have moved.
class LimitedQuery extends Query {
  readonly query_timeout: number
  isOnStandby = false
  #isLimited = false

  constructor(
    config: QueryConfig,
    { schema, limit, isSlow }: Statement,
    callback: (error: Error | undefined, result: QueryResult) => void,
  ) {
    super({ ...config, queryMode: 'extended' } as QueryConfig, callback)
    this.query_timeout = limit + marginMs
    const { submit } = this
    this.submit = (connection) => {
      connection.stream.cork()
      connection.parse({ name: '', text: limitTransaction(schema, limit, isSlow), types: [] }, true)
      connection.bind({ values: [] }, true)
      connection.execute({}, true)
      const error: unknown = submit.call(this, connection)
      connection.stream.uncork()
      return error
    }
  }

  handleDataRow(message: Row): void {
    if (this.#isLimited) handlers.handleDataRow.call(this, message)
    else this.isOnStandby = message.fields[0] !== 'f'
  }

  handleCommandComplete(message: unknown, connection: Connection): void {
    if (this.#isLimited) handlers.handleCommandComplete.call(this, message, connection)
    this.#isLimited = true
  }
}
