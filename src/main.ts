import cluster from 'node:cluster'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Logger } from 'pino'

import { buildApp } from './app.ts'
import { generatedSecret } from './auth/generated-secret.ts'
import { type Config, ConfigError, readConfig } from './config/config.ts'
import { loadEnvironment } from './config/env-file.ts'
import { describeSettings } from './config/settings.ts'
import { openContext } from './context.ts'
import { openServer, waitForServer } from './database/connect.ts'
import { ensureSchema } from './database/migrate.ts'
import type { Server } from './database/server.ts'
import { drain } from './lifecycle/drain.ts'
import { listen, type Listener } from './lifecycle/listen.ts'
import { superviseWorkers } from './lifecycle/workers.ts'
import { openLog } from './observability/logging.ts'
import { explain, StartupError } from './startup-error.ts'

const usage = `Stockroom, the catalog service of a store.

Usage: npm start [-- --help]

Settings, from the environment or a .env file:
${describeSettings()}`

const garbageDelayMs = 1_000

interface Stores {
  server: Server
  secret: string
}

/** Starts everything in order, and stops in reverse when `stop` is aborted or something fails. */
async function run(config: Config, log: Logger, stop: AbortSignal): Promise<void> {
  await using disposables = new AsyncDisposableStack()
  const stores = await openStores(config, log, stop, disposables)
  const port =
    cluster.isPrimary && config.processes > 1
      ? await superviseWorkers(config.processes, workerSettings(stores), log, disposables)
      : await serve(config, stores, log, disposables)
  if (cluster.isPrimary) logUrls(config.listen.host, port, log)
  if (!stop.aborted) await once(stop, 'abort')
  if (cluster.isPrimary) log.info('stopping')
}

async function openStores(
  config: Config,
  log: Logger,
  stop: AbortSignal,
  disposables: AsyncDisposableStack,
): Promise<Stores> {
  if (cluster.isWorker && config.postgres) return { server: config.postgres, secret: config.tokens.secret ?? '' }
  logDatabase(config, log)
  const { server, ownerPid, close } = await openServer(config, log)
  disposables.defer(close)
  if (ownerPid !== undefined) {
    throw new StartupError(
      `Process ${ownerPid} is already using ${config.dataDir}. Stop it, or set a different DATA_DIR.`,
    )
  }
  await waitForServer(server, config.startupTimeoutMs, log, stop)
  await ensureSchema(server, config.pool.schema, config.autoMigrate, log)
  return { server, secret: config.tokens.secret ?? (await generatedSecret(config.dataDir)) }
}

function logDatabase({ postgres, dataDir }: Config, log: Logger): void {
  if (!postgres)
    return log.info({ folder: resolve(dataDir) }, 'using the embedded PostgreSQL: POSTGRES_HOST is not set')
  const { host, port, user, database } = postgres
  log.info({ host, port, user, database }, 'using PostgreSQL')
}

async function serve(
  config: Config,
  { server, secret }: Stores,
  log: Logger,
  disposables: AsyncDisposableStack,
): Promise<number> {
  const context = await openContext(config, server, secret, log)
  const app = await buildApp(context)
  let listener: Listener | undefined
  disposables.defer(async () => {
    const deadline = sleep(config.shutdownTimeoutMs)
    if (listener) await drain(app, listener, { ...context, drainDelayMs: config.drainDelayMs }, deadline)
    await Promise.race([context.close(), deadline])
  })
  listener = await listen(app, config.listen)
  setTimeout(collectStartupGarbage, garbageDelayMs).unref()
  return listener.port
}

/** Frees some 60 MiB that only the start needed. Takes 100 ms, so it waits for the first requests. */
function collectStartupGarbage(): void {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}

function workerSettings({ server, secret }: Stores): Record<string, string> {
  return {
    POSTGRES_HOST: server.host,
    POSTGRES_PORT: String(server.port),
    POSTGRES_USER: server.user,
    POSTGRES_DB: server.database,
    JWT_SECRET: secret,
  }
}

function logUrls(host: string, port: number, log: Logger): void {
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  log.info(`Stockroom listening on ${url} (documentation: ${url}/scalar)`)
}

async function main(args: string[]): Promise<void> {
  if (args.includes('--help')) return console.log(usage)
  if (args.length > 0) throw new ConfigError(`Unknown option ${args[0]}. See npm start -- --help`)
  loadEnvironment()
  const config = readConfig(process.env)
  const log = await openLog(config.logLevel)

  const stop = new AbortController()
  // Not `once`: Ctrl-C reaches this process from the terminal and from npm, and the second must not abort the first.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort())
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'uncaught exception')
    process.exitCode = 1
    stop.abort()
  })
  try {
    await run(config, log, stop.signal)
  } finally {
    await new Promise<void>((done) => log.flush(() => done()))
  }
}

try {
  await main(process.argv.slice(2))
  process.exit()
} catch (error) {
  if ((error as Error).name === 'AbortError') process.exit()
  console.error(explain(error))
  process.exit(1)
}
