import { setTimeout as sleep } from 'node:timers/promises'

import { sendRequest } from '../support/http-client.ts'
import { fillRedis, openProxy, type PrivateRedis, redisCli, startRedis } from '../support/stores.ts'
import { until } from '../support/until.ts'
import type { Fault, Site } from './fault.ts'
import type { Outage } from './load.ts'
import { openStage, type Stage } from './stage.ts'

/** Milliseconds between repetitions. */
const between = 500

/** Repeats a fault on one stage. */
function fault(
  name: string,
  title: string,
  times: number,
  happen: (stage: Stage, site: Site, outage: Outage) => Promise<void>,
  settings: string[] = [],
): Fault {
  const run = async (site: Site, often: number) => {
    const stage = await openStage(site, settings)
    await stage.load.during(async (outage) => {
      for (let time = 1; time <= often; time++) {
        site.step(`${time} of ${often}`)
        outage.gone()
        await happen(stage, site, outage)
        await copied(stage, site)
        await sleep(between)
      }
    })
  }
  return { name, title, times, run }
}

/** Recovery: waits until each process with Redis copies logouts to it again. */
async function copied({ replicas, proxy }: Stage, { tally }: Site): Promise<void> {
  const since = performance.now()
  for (const { url } of replicas.all.slice(0, 2)) {
    await until(async () => {
      const token = await replicas.newToken()
      await sendRequest({ url: `${url}/store-managers/logout`, headers: { authorization: `Bearer ${token}` } })
      const { jti } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
      return redisCli(Number(proxy.target), 'GET', jti)
    })
  }
  tally.recovery = Math.max(tally.recovery ?? 0, performance.now() - since)
}

async function startAgain(site: Site, port: number, settings: string[] = []): Promise<PrivateRedis> {
  const redis = await startRedis(port, settings)
  site.after(() => redis.stop())
  return redis
}

const flushed = fault('redis-flushall', 'Redis: FLUSHALL', 10, async ({ redis }, _site, { back }) => {
  await redisCli(redis.port, 'FLUSHALL')
  back()
})

const killed = fault(
  'redis-kill',
  'Redis: kill -9, restarted empty a second later',
  5,
  async (stage, site, { back }) => {
    await stage.redis.stop()
    await sleep(1_000)
    stage.redis = await startAgain(site, stage.redis.port)
    back()
  },
)

const stopped = fault('redis-stop', 'Redis: SIGSTOP for 2.5 s, SIGCONT', 3, async ({ redis }, _site, { back }) => {
  process.kill(redis.pid, 'SIGSTOP')
  try {
    await sleep(2_500)
  } finally {
    process.kill(redis.pid, 'SIGCONT')
  }
  back()
})

const refusing = fault('redis-refuse', 'Redis: refuses connections for a second', 5, async (stage, _site, { back }) => {
  stage.proxy.target = undefined
  stage.proxy.cut()
  await sleep(1_000)
  stage.proxy.target = stage.redis.port
  back()
})

/** A replica delays the promotion until it has timed out on its primary. */
const fastSync = ['--repl-diskless-sync-delay', '0']

const promoted = fault(
  'redis-replica',
  'Redis: promotion of a replica that lacks the last writes',
  3,
  async (stage, site, { back }) => {
    const { redis, proxy } = stage
    const link = await openProxy(redis.port)
    site.after(() => link.close())
    const replica = await startRedis(undefined, ['--replicaof', `127.0.0.1 ${link.port}`, ...fastSync])
    site.after(() => replica.stop())
    await until(async () => /master_link_status:up/.test(String(await redisCli(replica.port, 'INFO'))))
    // The replica does not get logouts from here on.
    link.stall()
    await sleep(1_000)
    await redis.stop()
    await redisCli(replica.port, 'REPLICAOF', 'NO', 'ONE')
    proxy.target = replica.port
    stage.redis = replica
    back()
  },
  fastSync,
)

const evicting = fault(
  'redis-evict',
  'Redis: random eviction, memory filled three times',
  5,
  async ({ redis }, _site, { back }) => {
    await fillRedis(redis.port)
    back()
  },
  ['--maxmemory', '3mb', '--maxmemory-policy', 'allkeys-random'],
)

export const redisFaults = [flushed, killed, stopped, refusing, promoted, evicting]
