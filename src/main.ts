import cluster from 'node:cluster'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Logger } from 'pino'

import { buildApp } from './app.ts'
import { generatedSecret } from './auth/generated-secret.ts'
import { continuePositions } from './changes/positions.ts'
import { type Config, ConfigError, readConfig } from './config/config.ts'
import { loadEnvironment } from './config/env-file.ts'
import { isLocal } from './config/postgres.ts'
import { describeSettings } from './config/settings.ts'
import { openContext } from './context.ts'
import { openServer, waitForServer } from './database/connect.ts'
import { ensureSchema } from './database/migrate.ts'
import { detectCitus } from './database/open-engine.ts'
import type { Server } from './database/server.ts'
import { drain } from './lifecycle/drain.ts'
import { listen, type Listener } from './lifecycle/listen.ts'
import { publishMetrics } from './lifecycle/metrics.ts'
import { automaticProcesses, receive, reportFailure, superviseWorkers, type Supervised } from './lifecycle/workers.ts'
import { openLog } from './observability/logging.ts'
import { openMetrics } from './observability/metrics/metrics.ts'
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

interface Assignment {
  config: Config
  stores?: Stores
}

async function run({ config, stores: given }: Assignment, log: Logger, stop: AbortSignal): Promise<void> {
  await using disposables = new AsyncDisposableStack()
  const stores = given ?? (await openStores(config, log, stop, disposables))
  const processes = config.processes === 'auto' ? automaticProcesses() : config.processes
  const { port, failed } =
    cluster.isPrimary && processes > 1
      ? await supervise(processes, { config, stores }, log, disposables)
      : { port: await serve(config, stores, log, disposables) }
  if (cluster.isPrimary) logUrls(config.listen.host, port, log)
  if (!stop.aborted) await Promise.race([once(stop, 'abort'), ...(failed ? [failed] : [])])
  if (cluster.isPrimary) log.info('stopping')
}

async function supervise(
  processes: number,
  assignment: Assignment,
  log: Logger,
  disposables: AsyncDisposableStack,
): Promise<Supervised> {
  const { metrics, pool } = assignment.config
  // With the one of each that checks its readiness.
  log.info({ processes, maxConnections: processes * (pool.size + pool.overflow + 1) }, 'starting worker processes')
  await publishMetrics(openMetrics(), { listener: metrics, isSupervisor: true }, log, disposables)
  return superviseWorkers(processes, assignment, log, disposables)
}

async function openStores(
  config: Config,
  log: Logger,
  stop: AbortSignal,
  disposables: AsyncDisposableStack,
): Promise<Stores> {
  const { server, ownerPid, close } = await openServer(config, log)
  disposables.defer(close)
  if (ownerPid !== undefined) {
    throw new StartupError(
      `Process ${ownerPid} is already using ${config.dataDir}. Stop it, or set a different DATA_DIR.`,
    )
  }
  logStores(config, log)
  await waitForServer(server, config.startupTimeoutMs, log, stop)
  await ensureSchema(server, config.pool.schema, config.autoMigrate, log)
  const isCitus = await detectCitus(server, config.pool.schema)
  if (isCitus) log.info('using Citus: items are distributed')
  return { server: { ...server, isCitus }, secret: config.tokens.secret ?? (await generatedSecret(config.dataDir)) }
}

function logStores({ postgres, redis, dataDir }: Config, log: Logger): void {
  const remoteRedis = redis && !redis.tls && hostsOf(redis).find((host) => !isLocal(host))
  if (remoteRedis) log.warn({ host: remoteRedis }, 'Redis is on another host, without TLS: set REDIS_TLS')
  if (!postgres)
    return log.info(
      { folder: resolve(dataDir) },
      'using the embedded PostgreSQL: neither POSTGRES_HOST nor DATABASE_URL is set',
    )
  const { host, port, user, database, tls } = postgres
  log.info({ host, port, user, database, tls: tls?.mode ?? 'disable' }, 'using PostgreSQL')
  if (!tls && !isLocal(host)) log.warn({ host }, 'PostgreSQL is on another host, without TLS: set POSTGRES_SSLMODE')
}

function hostsOf({ host, sentinel }: NonNullable<Config['redis']>): string[] {
  return sentinel ? sentinel.nodes.map((node) => node.host) : [host]
}

async function serve(
  config: Config,
  { server, secret }: Stores,
  log: Logger,
  disposables: AsyncDisposableStack,
): Promise<number> {
  const context = await openContext(config, server, secret, log)
  await continuePositions(context.db).catch((error: unknown) => {
    log.warn({ err: error }, 'failed to check the positions of the change feed; restart to try again')
  })
  await publishMetrics(context.metrics, { listener: config.metrics, isSupervisor: false }, log, disposables)
  const app = await buildApp(context)
  let listener: Listener | undefined
  disposables.defer(async () => {
    const deadline = sleep(config.shutdownTimeoutMs)
    if (listener) await drain(app, listener, { ...context, drainDelayMs: config.drainDelayMs }, deadline)
    await Promise.race([context.close(), deadline])
  })
  listener = await listen(app, config.listen)
  context.console.load().catch(() => {})
  setTimeout(collectStartupGarbage, garbageDelayMs).unref()
  return listener.port
}

/** Frees some 60 MiB that only the start needed. Takes 100 ms, so it waits for the first requests. */
function collectStartupGarbage(): void {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}

function logUrls(host: string, port: number, log: Logger): void {
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  log.info(`Stockroom listening on ${url} (console: ${url}/console, documentation: ${url}/scalar)`)
}

async function main(args: string[]): Promise<void> {
  if (args.includes('--help')) return console.log(usage)
  if (args.length > 0) throw new ConfigError(`Unknown option ${args[0]}. See npm start -- --help`)
  const assignment = cluster.isWorker ? await receive<Assignment>() : readAssignment()
  const log = await openLog(assignment.config.logLevel)

  const stop = new AbortController()
  // Not `once`: Ctrl-C reaches this process from the terminal and from npm, and the second must not abort the first.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort())
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'uncaught exception')
    process.exitCode = 1
    stop.abort()
  })
  try {
    await run(assignment, log, stop.signal)
  } finally {
    await new Promise<void>((done) => log.flush(() => done()))
  }
}

function readAssignment(): Assignment {
  loadEnvironment()
  return { config: readConfig(process.env) }
}

try {
  await main(process.argv.slice(2))
  process.exit()
} catch (error) {
  if ((error as Error).name === 'AbortError') process.exit()
  if (cluster.isWorker) await reportFailure(explain(error))
  else console.error(explain(error))
  process.exit(1)
}
