import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { onServer } from '../support/app.ts'
import { openOwnPostgres, type OwnPostgres } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import type { Fault, Site } from './fault.ts'
import { openLoad } from './load.ts'
import { openReplicas, settingsFor } from './service.ts'
import { moveLog, openSmallDisk, type SmallDisk, withoutMounts } from './small-disk.ts'
import { durable, storedItems } from './stage.ts'

/** The minimum that PostgreSQL needs for its log. */
const settings = { ...durable, max_wal_size: '48MB', min_wal_size: '32MB' }

/** The tables cannot grow, which PostgreSQL survives. */
export const tablesFull: Fault = {
  name: 'disk-full',
  title: 'PostgreSQL: no disk space for tables',
  times: 2,
  run: (site, times) =>
    run(site, times, true, async (_postgres, disk) => {
      await disk.fill()
      await untilRefused(site)
      await disk.free()
    }),
}

/** The log cannot grow, which ends PostgreSQL. The operator frees space and starts it again. */
export const logFull: Fault = {
  name: 'disk-full-log',
  title: 'PostgreSQL: no disk space for the write-ahead log, which crashes it',
  times: 2,
  run: (site, times) =>
    run(site, times, false, async (postgres, disk) => {
      await disk.fill()
      // A new log file is needed soon.
      while (
        await onServer(postgres.administration, 'select pg_switch_wal()').then(
          () => true,
          () => false,
        )
      )
        await sleep(20)
      await sleep(1_000)
      await disk.free()
      await postgres.stop()
      await postgres.start()
    }),
}

async function run(
  site: Site,
  times: number,
  logIsElsewhere: boolean,
  happen: (postgres: OwnPostgres, disk: SmallDisk) => Promise<void>,
): Promise<void> {
  if (withoutMounts) {
    site.tally.wrong.push(`it could not be done: ${withoutMounts}`)
    return
  }
  const disk = await openSmallDisk(site)
  const postgres = await openOwnPostgres(site, settings, disk.folder)
  if (logIsElsewhere) {
    await postgres.stop()
    await moveLog(site, join(disk.folder, 'postgres'))
    await postgres.start()
  }
  const { server } = postgres
  const replicas = await openReplicas(
    site,
    [1, 2].map(() => settingsFor(server)),
  )
  const load = await openLoad(replicas, { tally: site.tally, stored: () => storedItems(server) })
  await load.during(async ({ gone, back }) => {
    for (let time = 1; time <= times; time++) {
      site.step(`${time} of ${times}`)
      if (time > 1) await sleep(2_500)
      const before = site.tally.unavailable
      gone()
      await happen(postgres, disk)
      back()
      if (site.tally.unavailable === before) site.tally.wrong.push('nothing got 503, so it was never full')
    }
  })
}

/** Waits until existing pages have no free space. */
async function untilRefused({ tally }: Site): Promise<void> {
  const before = tally.unavailable
  await until(() => tally.unavailable > before + 20)
  await sleep(1_000)
}
