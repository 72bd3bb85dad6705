import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { parseDatabaseUrl } from '../../src/config/database-url.ts'
import { startEmbedded } from '../../src/database/embedded/embedded.ts'
import { StartupError } from '../../src/startup-error.ts'
import { prepareSchema } from './migrated-schema.ts'
import { hasRedisServer, startRedis } from './stores.ts'

const running: (() => Promise<void>)[] = []

/** Starts a private PostgreSQL and Redis, unless the environment names some to use. Test files find them in the environment. */
export async function globalSetup(): Promise<void> {
  // What a shell names for the service is not for tests, which write.
  for (const name of ['DATABASE_URL', 'DATABASE_URL_FILE', 'REDIS_URL', 'REDIS_URL_FILE']) delete process.env[name]
  try {
    await startPostgres()
    await startPrivateRedis()
    await prepareSchema()
  } catch (error) {
    await globalTeardown()
    throw error
  }
}

export async function globalTeardown(): Promise<void> {
  for (const stop of running) await stop()
}

async function startPostgres(): Promise<void> {
  const citus = process.env['TEST_CITUS_URL']
  if (citus) Object.assign(process.env, parseDatabaseUrl(citus))
  if (process.env['POSTGRES_HOST']) return
  const folder = await mkdtemp(join(tmpdir(), 'stockroom-test-'))
  const settings = { fsync: 'off', max_connections: '400' }
  const server = await startEmbedded(folder, { log: () => {}, settings })
  // Tests create databases and roles; that the service needs no superuser is what start.test.ts and embedded.test.ts show.
  const { host, port, user, database } = server.administration
  Object.assign(process.env, { POSTGRES_HOST: host, POSTGRES_PORT: port, POSTGRES_USER: user, POSTGRES_DB: database })
  running.push(async () => {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  })
}

async function startPrivateRedis(): Promise<void> {
  if (process.env['REDIS_HOST']) return
  if (!hasRedisServer()) {
    if (process.env['CI'])
      throw new StartupError('CI is set, so no test may be skipped, and redis-server is missing: install it.')
    return
  }
  const redis = await startRedis()
  Object.assign(process.env, { REDIS_HOST: '127.0.0.1', REDIS_PORT: redis.port })
  running.push(() => redis.stop())
}
