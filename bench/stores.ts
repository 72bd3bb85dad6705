import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { createClient } from '@redis/client'
import type { Client } from 'pg'

import { startEmbedded } from '../src/database/embedded/embedded.ts'
import type { Server } from '../src/database/server.ts'
import { StartupError } from '../src/startup-error.ts'
import { schemaClient } from '../test/support/schema-client.ts'
import { freePort } from '../test/support/stores.ts'
import { exists } from './commands.ts'

export interface Stores {
  postgres: Server & { pid: number; version: string }
  redis: { port: number; pid: number; version: string }
}

/** Except for what is named here, PostgreSQL runs with its defaults: fsync and synchronous_commit are on. */
export const postgresSettings = {
  max_connections: '400',
  shared_buffers: '1GB',
  // No checkpoint or vacuum may affect the turn of one candidate only.
  max_wal_size: '16GB',
  checkpoint_timeout: '1h',
  autovacuum: 'off',
}

/** Signs tokens for every candidate. */
export const secret = 'the secret of the benchmark, of more than 32 bytes'

/** The settings of the stores, by names that every version of the service knows. */
export function storeSettings({ postgres, redis }: Stores, schema: string): Record<string, string> {
  return {
    POSTGRES_HOST: postgres.host,
    POSTGRES_PORT: String(postgres.port),
    POSTGRES_USER: postgres.user,
    POSTGRES_DB: postgres.database,
    POSTGRES_SCHEMA: schema,
    REDIS_HOST: '127.0.0.1',
    REDIS_PORT: String(redis.port),
    JWT_SECRET: secret,
  }
}

/** Starts a private PostgreSQL and Redis in `folder`, and stops them with `running`. */
export async function openStores(folder: string, running: AsyncDisposableStack): Promise<Stores> {
  if (!exists('redis-server'))
    throw new StartupError('There is no redis-server on this machine: scripts/setup.sh installs it.')
  const redis = await openRedis(folder, running)
  const postgres = await openPostgres(join(folder, 'postgres'), running)
  return { postgres, redis }
}

/** Runs statements on one connection with `schema` as its search path. */
export async function onServer<T>(server: Server, schema: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = schemaClient(server, schema)
  // The failing query reports the error again.
  client.on('error', () => {})
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

async function openPostgres(folder: string, running: AsyncDisposableStack): Promise<Stores['postgres']> {
  const embedded = await startEmbedded(folder, { log: () => {}, settings: postgresSettings })
  running.defer(() => embedded.stop())
  const pid = Number.parseInt(await readFile(join(folder, 'postgres', 'postmaster.pid'), 'utf8'), 10)
  const server = embedded.administration
  const { rows } = await onServer(server, 'public', (client) => client.query('show server_version'))
  return { ...server, pid, version: rows[0].server_version }
}

async function openRedis(folder: string, running: AsyncDisposableStack): Promise<Stores['redis']> {
  const port = await freePort()
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder]
  const child = spawn('redis-server', args, { stdio: 'ignore' })
  const ended = once(child, 'exit')
  running.defer(async () => {
    child.kill('SIGTERM')
    await ended
  })
  const client = createClient({ socket: { host: '127.0.0.1', port, reconnectStrategy: () => 20 } })
  client.on('error', () => {})
  const connected = client.connect()
  connected.catch(() => {})
  await Promise.race([connected, rejectAfter(10_000, 'redis-server does not respond')])
  const [, version = ''] = /redis_version:(\S+)/.exec(await client.info('server')) ?? []
  client.destroy()
  return { port, pid: child.pid ?? 0, version }
}

async function rejectAfter(milliseconds: number, message: string): Promise<never> {
  await sleep(milliseconds, undefined, { ref: false })
  throw new Error(message)
}
