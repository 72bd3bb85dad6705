import type { Logger } from 'pino'

import { type Config, readConfig } from '../config/config.ts'
import { loadEnvironment } from '../config/env-file.ts'
import { openServer, waitForServer } from '../database/connect.ts'
import { type Database, openDatabase } from '../database/database.ts'
import { ensureSchema } from '../database/migrate.ts'
import { ConnectionPool } from '../database/pool.ts'
import type { Server } from '../database/server.ts'
import { openLog, stderr } from '../observability/logging.ts'

/** What a command of an operator works on. */
export interface OperatorDatabase {
  db: Database
  log: Logger
  /** Aborted when the command is told to end. */
  signal: AbortSignal
}

/** One for the work, and one that a pool reserves. */
const connections = { size: 1, overflow: 1, echo: false }

/** The settings of a command that works on the database itself. @throws ConfigError naming each that does not fit */
export function readOperatorConfig(): Config {
  loadEnvironment()
  return readConfig(process.env, false)
}

/**
 * Opens the PostgreSQL that `config` names, or the embedded one, while `work` runs. Pending migrations are applied first,
 * unless AUTO_MIGRATE is false. Log lines go to the standard error, because results go to the standard output.
 *
 * @throws StartupError, the reason of `signal`, and what `work` throws
 */
export async function withServer<Result>(
  config: Config,
  signal: AbortSignal,
  work: (server: Server, log: Logger) => Promise<Result>,
): Promise<Result> {
  const log = await openLog(config.logLevel, stderr)
  const { server, close } = await openServer(config, log)
  try {
    await waitForServer(server, config.startupTimeoutMs, log, signal)
    await ensureSchema(server, config.pool.schema, config.autoMigrate, log)
    signal.throwIfAborted()
    return await work(server, log)
  } finally {
    await close()
  }
}

/** The same, for queries, which are canceled when `signal` is aborted. @throws Problem store_unavailable or too_busy as well */
export function withDatabase<Result>(
  config: Config,
  signal: AbortSignal,
  work: (database: OperatorDatabase) => Promise<Result>,
): Promise<Result> {
  return withServer(config, signal, async (server, log) => {
    const options = { ...connections, schema: config.pool.schema }
    const pool = new ConnectionPool(server, options, log.child({}, { level: 'error' }))
    const cancel = () => void pool.cancelAll()
    signal.addEventListener('abort', cancel)
    try {
      return await work({ db: openDatabase(pool), log, signal })
    } finally {
      signal.removeEventListener('abort', cancel)
      await pool.end()
    }
  })
}
