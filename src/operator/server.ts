import type { Logger } from 'pino'

import { type Config, readConfig } from '../config.ts'
import { ensureSchema } from '../database/migrate.ts'
import type { Server } from '../database/pool.ts'
import { openServer, waitForServer } from '../database/server.ts'
import { loadEnvironment } from '../environment.ts'
import { openLog, stderr } from '../logging.ts'

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
