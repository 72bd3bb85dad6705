import { sendRequest } from '../support/http-client.ts'
import { scrape } from '../support/metrics.ts'
import { openOwnPostgres } from '../support/postgres.ts'
import { withoutProgram } from '../support/programs.ts'
import { openRedisWith } from '../support/secured-redis.ts'
import { freePort, redisCli } from '../support/stores.ts'
import { until } from '../support/until.ts'
import type { Fault, Site } from './fault.ts'
import { openLoad } from './load.ts'
import { openReplicas, type Replicas, settingsFor } from './service.ts'
import { durable, storedItems } from './stage.ts'

/** Milliseconds after which sentinels consider Redis down, and within which the service must use its successor. */
const downAfter = 1_500
const longestWithout = 6_000

/** Redis, a replica of it, and three sentinels, of which two must agree. */
export const sentinelFailover: Fault = {
  name: 'sentinel-failover',
  title: 'Redis Sentinel: kill -9, failover to the replica',
  times: 2,
  missing: withoutProgram('redis-sentinel'),
  async run(site, times) {
    let longest = 0
    for (let time = 1; time <= times; time++) {
      site.step(`${time} of ${times}`)
      longest = Math.max(longest, await failOver(site))
    }
    const { tally } = site
    if (tally.unavailable > 0) tally.wrong.push(`${tally.unavailable} requests failed`)
    if (longest > longestWithout) tally.wrong.push(`Redis was not in use for ${Math.round(longest)} ms`)
    return `Redis was in use again after at most ${(longest / 1000).toFixed(1)} s`
  },
}

/** @returns the milliseconds until all processes use Redis again */
async function failOver(site: Site): Promise<number> {
  const postgres = await openOwnPostgres(site, durable)
  const first = await openRedisWith(site, [])
  const second = await openRedisWith(site, [`replicaof 127.0.0.1 ${first.port}`, 'repl-diskless-sync-delay 0'])
  await until(async () => /master_link_status:up/.test(String(await redisCli(second.port, 'INFO'))))
  const watch = [
    `sentinel monitor shop 127.0.0.1 ${first.port} 2`,
    `sentinel down-after-milliseconds shop ${downAfter}`,
    'sentinel failover-timeout shop 10000',
  ]
  const sentinels = await Promise.all([1, 2, 3].map(() => openRedisWith(site, watch, ['--sentinel'])))
  const info = ({ port }: { port: number }) => redisCli(port, 'INFO', 'sentinel').then(String)
  await until(async () =>
    (await Promise.all(sentinels.map(info))).every((each) => each.includes('slaves=1,sentinels=3')),
  )
  const ports = [await freePort(), await freePort()]
  const settings = ports.map((port) => ({
    ...settingsFor(postgres.server),
    REDIS_SENTINELS: sentinels.map((sentinel) => `127.0.0.1:${sentinel.port}`).join(),
    REDIS_SENTINEL_MASTER: 'shop',
    METRICS_PORT: String(port),
  }))
  const replicas = await openReplicas(site, settings)
  const areUp = async (value: 0 | 1) => {
    const gauges = ports.map(async (port) =>
      (await scrape(`http://127.0.0.1:${port}/metrics`)).get('stockroom_redis_up'),
    )
    return (await Promise.all(gauges)).every((gauge) => gauge === value)
  }
  await until(() => areUp(1))
  const load = await openLoad(replicas, { tally: site.tally, stored: () => storedItems(postgres.server) })
  let without = 0
  await load.during(async () => {
    const killed = performance.now()
    await first.kill()
    await until(() => areUp(0))
    await Promise.all(replicas.all.map(({ url }) => until(() => copies(url, replicas, second.port))))
    without = performance.now() - killed
    await until(() => areUp(1))
  })
  await Promise.all(replicas.all.map((replica) => replica.end('SIGKILL')))
  return without
}

/** Whether a logout is copied to this Redis. */
async function copies(url: string, { newToken }: Replicas, port: number): Promise<boolean> {
  const token = await newToken()
  await sendRequest({ url: `${url}/store-managers/logout`, headers: { authorization: `Bearer ${token}` } })
  const { jti } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
  // A Redis that becomes the primary ends its connections.
  return redisCli(port, 'GET', jti).then(
    (reply) => reply !== null,
    () => false,
  )
}
