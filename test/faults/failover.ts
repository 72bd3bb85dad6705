import { setTimeout as sleep } from 'node:timers/promises'

import { send } from '../../src/database/embedded/system.ts'
import type { Server } from '../../src/database/server.ts'
import { openOwnPostgres } from '../support/postgres.ts'
import { openProxy } from '../support/stores.ts'
import type { Fault, Site } from './fault.ts'
import { openLoad } from './load.ts'
import { openReplicas, settingsFor } from './service.ts'
import { durable, storedItems } from './stage.ts'
import { openStandby } from './standby.ts'

/** Milliseconds of replication lag before the primary is killed. */
const lagging = 500
/** Milliseconds in which nothing responds at the address, and then the standby, which does not accept writes yet. */
const dead = 500
const undecided = 1_500

/** The service knows one address, like that of a load balancer, which is then routed elsewhere. */
export const failedOver: Fault = {
  name: 'postgres-failover',
  title: 'PostgreSQL: kill -9, failover to a synchronous standby',
  times: 3,
  async run(site, times) {
    for (let time = 1; time <= times; time++) {
      site.step(`${time} of ${times}`)
      await failOver(site)
    }
    if (site.tally.unavailable === 0) site.tally.wrong.push('nothing got 503, so it was never down')
  },
}

async function failOver(site: Site): Promise<void> {
  const primary = await openOwnPostgres(site, durable)
  const standby = await openStandby(site, primary, durable)
  const address = await openProxy(socketOf(primary.server))
  site.after(() => address.close())
  const server = { ...primary.server, host: '127.0.0.1', port: address.port }
  const replicas = await openReplicas(
    site,
    [1, 2, 3].map(() => settingsFor(server)),
  )
  const load = await openLoad(replicas, { tally: site.tally, stored: () => storedItems(standby.server) })
  await load.during(async ({ gone, back }) => {
    // The standby does not see logouts from here on until it is promoted.
    await standby.lag()
    await sleep(lagging)
    gone()
    for (const pid of await primary.pids()) send(pid, 'SIGKILL')
    await sleep(dead)
    address.target = socketOf(standby.server)
    await sleep(undecided)
    await standby.promote()
    back()
  })
  await Promise.all(replicas.all.map((replica) => replica.end('SIGKILL')))
}

function socketOf({ host, port }: Server): string {
  return `${host}/.s.PGSQL.${port}`
}
