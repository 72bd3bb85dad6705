import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { startEmbedded } from '../../src/database/embedded/embedded.ts'
import { prepareSchema } from './migrated-schema.ts'
import { hasRedisServer, startRedis } from './stores.ts'

// Loaded once, before any test file starts: what it puts into the environment, the test files find there.

const ended: (() => Promise<void>)[] = []

/** Starts a private PostgreSQL and Redis, unless the environment names some to use. */
export async function globalSetup(): Promise<void> {
  try {
    await startStores()
    await prepareSchema()
  } catch (error) {
    // Thrown on, it would end the runner without a word and as a success.
    console.error(error)
    process.exit(1)
  }
}

export async function globalTeardown(): Promise<void> {
  for (const end of ended) await end()
}

async function startStores(): Promise<void> {
  if (process.env['CI'] && !process.env['REDIS_HOST'] && !hasRedisServer()) {
    throw new Error('CI is set and there is no redis-server: the tests that need one may not be skipped')
  }
  if (!process.env['POSTGRES_HOST']) {
    const folder = await mkdtemp(join(tmpdir(), 'stockroom-test-'))
    const settings = { fsync: 'off', max_connections: '400' }
    const server = await startEmbedded(folder, { log: () => {}, settings })
    const { host, port, user, database } = server.connection
    Object.assign(process.env, { POSTGRES_HOST: host, POSTGRES_PORT: port, POSTGRES_USER: user, POSTGRES_DB: database })
    ended.push(async () => {
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    })
  }
  if (process.env['REDIS_HOST'] || !hasRedisServer()) return
  const redis = await startRedis()
  Object.assign(process.env, { REDIS_HOST: '127.0.0.1', REDIS_PORT: redis.port })
  ended.push(() => redis.stop())
}
