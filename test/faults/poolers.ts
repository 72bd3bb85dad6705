import { setTimeout as sleep } from 'node:timers/promises'

import { openPgBouncer, withoutPgBouncer } from '../support/pgbouncer.ts'
import { leftovers } from '../support/pooled-sessions.ts'
import { openOwnPostgres } from '../support/postgres.ts'
import type { Fault, Site } from './fault.ts'
import { openLoad } from './load.ts'
import { openReplicas, settingsFor } from './service.ts'
import { durable, storedItems } from './stage.ts'
import { openStandby } from './standby.ts'

/** Milliseconds. */
const down = 1_000
const between = 2_500
/** Milliseconds in which the standby lags, and in which the pooler leads to it. */
const lagging = 500
const misled = 3_000

/** PgBouncer is killed, and PostgreSQL restarts behind it; then its sessions must be as if they were unused. */
function interrupted(mode: 'session' | 'transaction', poolSize: number): Fault {
  return {
    name: `pooler-${mode}`,
    title: `PgBouncer in ${mode} mode: killed, and PostgreSQL restarted behind it`,
    times: 2,
    missing: withoutPgBouncer,
    async run(site, times) {
      const postgres = await openOwnPostgres(site, durable)
      const pooler = await openPgBouncer(site, postgres.server, mode, poolSize)
      const replicas = await openReplicas(site, [settingsFor(pooler.server), settingsFor(pooler.server)])
      const load = await openLoad(replicas, { tally: site.tally, stored: () => storedItems(postgres.server) })
      await load.during(async ({ gone, back }) => {
        for (let time = 1; time <= times; time++) {
          site.step(`${time} of ${times}`)
          gone()
          await pooler.crash(down)
          back()
          await sleep(between)
          gone()
          await postgres.restart(down)
          back()
          await sleep(between)
        }
      })
      mustHaveFailed(site)
      site.tally.wrong.push(...(await leftovers(pooler.server)))
    },
  }
}

const toStandby: Fault = {
  name: 'pooler-standby',
  title: 'PgBouncer in transaction mode: leads to a lagging standby for three seconds',
  times: 2,
  missing: withoutPgBouncer,
  async run(site, times) {
    for (let time = 1; time <= times; time++) {
      site.step(`${time} of ${times}`)
      await mislead(site)
    }
    mustHaveFailed(site)
  },
}

async function mislead(site: Site): Promise<void> {
  const primary = await openOwnPostgres(site, durable)
  const standby = await openStandby(site, primary, durable)
  const pooler = await openPgBouncer(site, primary.server, 'transaction')
  const replicas = await openReplicas(site, [settingsFor(pooler.server), settingsFor(pooler.server)])
  const load = await openLoad(replicas, { tally: site.tally, stored: () => storedItems(primary.server) })
  await load.during(async ({ gone, back }) => {
    // The standby does not see logouts from here on.
    await standby.lag()
    await sleep(lagging)
    gone()
    await pooler.moveTo(standby.server)
    await sleep(misled)
    await pooler.moveTo(primary.server)
    back()
  })
  await Promise.all(replicas.all.map((replica) => replica.end('SIGKILL')))
}

function mustHaveFailed({ tally }: Site): void {
  if (tally.unavailable === 0) tally.wrong.push('nothing got 503, so it was never down')
}

// In session mode every connection of the processes needs one of the pooler.
export const poolerFaults = [interrupted('session', 40), interrupted('transaction', 10), toStandby]
