import { setTimeout as sleep } from 'node:timers/promises'

import { send } from '../../src/database/embedded/system.ts'
import { onServer } from '../support/app.ts'
import { openOwnPostgres, type OwnPostgres } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import type { Fault, Site } from './fault.ts'
import { openLoad } from './load.ts'
import { openReplicas, settingsFor } from './service.ts'
import { durable, openStage, storedItems } from './stage.ts'

/** Milliseconds between repetitions, in which the service must recover. */
const between = 2_500

/** Repeats a fault on one stage, which recovers each time. */
function fault(name: string, title: string, times: number, happen: (postgres: OwnPostgres) => Promise<unknown>): Fault {
  const run = async (site: Site, often: number) => {
    const { postgres, load } = await openStage(site)
    await load.during(async ({ gone, back }) => {
      for (let time = 1; time <= often; time++) {
        site.step(`${time} of ${often}`)
        if (time > 1) await sleep(between)
        gone()
        await happen(postgres)
        back()
      }
    })
    if (site.tally.unavailable === 0) site.tally.wrong.push('nothing got 503, so it was never down')
  }
  return { name, title, times, run }
}

const restarted = fault('postgres-restart', 'PostgreSQL: restarted', 3, (postgres) => postgres.restart())

const backendKilled = fault('postgres-backend', 'PostgreSQL: kill -9 of a backend', 5, loseBackend)

const away = fault('postgres-stopped', 'PostgreSQL: down for ten seconds', 1, (postgres) => postgres.restart(10_000))

const frozen = fault('postgres-frozen', 'PostgreSQL: unresponsive for ten seconds (SIGSTOP)', 1, async (postgres) => {
  const pids = await postgres.pids()
  try {
    for (const pid of pids) send(pid, 'SIGSTOP')
    await sleep(10_000)
  } finally {
    for (const pid of pids) send(pid, 'SIGCONT')
  }
})

const readOnly = fault('postgres-read-only', 'PostgreSQL: read-only for two seconds', 3, async ({ administration }) => {
  const set = async (value: string) => {
    await onServer(administration, `alter system set default_transaction_read_only = ${value}`)
    await onServer(administration, 'select pg_reload_conf()')
  }
  await set('on')
  await sleep(2_000)
  await set('off')
})

async function loseBackend(postgres: OwnPostgres): Promise<void> {
  await postgres.killBackend()
  await sleep(50)
  // PostgreSQL ends all other backends as well, and recovers.
  await until(() => storedItems(postgres.server).then(Boolean, () => false))
}

/** With PostgreSQL only, alternates between two faults. */
const alone: Fault = {
  name: 'redis-none',
  title: 'No Redis configured: PostgreSQL restarted, or a backend killed',
  times: 4,
  async run(site, times) {
    const postgres = await openOwnPostgres(site, durable)
    const replicas = await openReplicas(
      site,
      [1, 2].map(() => settingsFor(postgres.server)),
    )
    const load = await openLoad(replicas, { tally: site.tally, stored: () => storedItems(postgres.server) })
    await load.during(async ({ gone, back }) => {
      for (let time = 1; time <= times; time++) {
        site.step(`${time} of ${times}`)
        if (time > 1) await sleep(between)
        gone()
        await (time % 2 ? postgres.restart() : loseBackend(postgres))
        back()
      }
    })
  },
}

export const postgresFaults = [alone, restarted, backendKilled, away, frozen, readOnly]
