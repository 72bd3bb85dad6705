import type { Logger } from 'pino'

import { type Config, readConfig } from '../config/config.ts'
import { loadEnvironment } from '../config/env-file.ts'
import { openServer, waitForServer } from '../database/connect.ts'
import { type Database, openDatabase } from '../database/database.ts'
import type { Engine } from '../database/engine.ts'
import { ensureSchema } from '../database/migrate.ts'
import { detectCitus } from '../database/open-engine.ts'
import { ConnectionPool } from '../database/pool.ts'
import type { Server } from '../database/server.ts'
import { openLog, stderr } from '../observability/logging.ts'

export interface OperatorDatabase {
  db: Database
  engine: Engine
  log: Logger
  signal: AbortSignal
}

/** One for the work, and one that the pool reserves. */
const connections = { size: 1, overflow: 1, echo: false }

export function readOperatorConfig(): Config {
  loadEnvironment()
  return readConfig(process.env, false)
}

// Opens the configured or the embedded PostgreSQL while `work` runs. Logs to standard error: results go to standard output.
export async function withServer<Result>(
  config: Config,
  signal: AbortSignal,
  work: (server: Server, log: Logger) => Promise<Result>,
): Promise<Result> {
  const log = await openLog(config.logLevel, stderr)
  const { server, close } = await openServer(config, log)
  try {
    await waitForServer(server, config.startupTimeoutMs, log, signal)
    signal.throwIfAborted()
    return await work(server, log)
  } finally {
    await close()
  }
}

/** Applies pending migrations first, unless AUTO_MIGRATE is false. Aborting `signal` cancels running statements. */
export function withDatabase<Result>(
  config: Config,
  signal: AbortSignal,
  work: (database: OperatorDatabase) => Promise<Result>,
): Promise<Result> {
  return withServer(config, signal, async (server, log) => {
    await ensureSchema(server, config.pool.schema, config.autoMigrate, log)
    signal.throwIfAborted()
    const options = { ...config.pool, ...connections }
    const isCitus = await detectCitus(server, config.pool.schema)
    const pool = new ConnectionPool({ ...server, isCitus }, options, log.child({}, { level: 'error' }))
    const cancel = () => void pool.cancelAll()
    signal.addEventListener('abort', cancel)
    try {
      return await work({ db: openDatabase(pool), engine: pool.engine, log, signal })
    } finally {
      signal.removeEventListener('abort', cancel)
      await pool.end()
    }
  })
}
