import type { Server } from '../../src/database/server.ts'
import { onServer } from '../support/app.ts'
import { openOwnPostgres, type OwnPostgres } from '../support/postgres.ts'
import { openProxy, type PrivateRedis, type Proxy, startRedis } from '../support/stores.ts'
import type { Site } from './fault.ts'
import type { Row } from './ledger.ts'
import { type Load, openLoad } from './load.ts'
import { openReplicas, type Replicas, settingsFor } from './service.ts'

/** The environment of most faults: three processes on their own PostgreSQL and Redis, under a steady load. */
export interface Stage {
  postgres: OwnPostgres
  redis: PrivateRedis
  /** Between the service and Redis. */
  proxy: Proxy
  replicas: Replicas
  load: Load
}

/** PostgreSQL with its default durability. */
export const durable = { fsync: 'on', max_connections: '200' }

/** @param redisSettings options of redis-server; the third process has no Redis */
export async function openStage(site: Site, redisSettings: string[] = []): Promise<Stage> {
  const postgres = await openOwnPostgres(site, durable)
  const redis = await startRedis(undefined, redisSettings)
  site.after(() => redis.stop())
  const proxy = await openProxy(redis.port)
  site.after(() => proxy.close())
  const settings = [proxy.port, proxy.port, undefined].map((port) => settingsFor(postgres.server, port))
  const replicas = await openReplicas(site, settings)
  const load = await openLoad(replicas, { tally: site.tally, stored: () => storedItems(postgres.server) })
  return { postgres, redis, proxy, replicas, load }
}

export async function storedItems(server: Server): Promise<Map<string, Row>> {
  const { rows } = await onServer(server, 'select id, name, price_usd::float8 as price from items')
  return new Map(rows.map(({ id, name, price }: Row & { id: string }) => [id, { name, price }]))
}
