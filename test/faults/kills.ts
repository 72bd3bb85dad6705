import { setTimeout as sleep } from 'node:timers/promises'

import { disagreementsIn } from '../support/history.ts'
import { openOwnPostgres } from '../support/postgres.ts'
import type { Fault, Site } from './fault.ts'
import { openLoad } from './load.ts'
import { openReplicas, settingsFor } from './service.ts'
import { durable, storedItems } from './stage.ts'

/** Maximum milliseconds that a process runs before it is killed. */
const longestLife = 400

/** Two processes are killed in turn, so that one responds while the other restarts. */
export const serverKilled: Fault = {
  name: 'service-kill',
  title: 'Service: kill -9 under write load; the history has each change',
  times: 50,
  async run(site, times) {
    const { server } = await openOwnPostgres(site, durable)
    const replicas = await openReplicas(site, [settingsFor(server), settingsFor(server)])
    const stored = () => storedItems(server)
    const load = await openLoad(replicas, { tally: site.tally, mayBreak: true, stored })
    await load.during(async () => {
      for (let time = 1; time <= times; time++) {
        site.step(`${time} of ${times}`)
        await sleep(Math.random() * longestLife)
        const victim = replicas.all[time % 2]
        await victim?.end('SIGKILL')
        await victim?.start()
      }
    })
    expectCut(site)
    site.tally.lost.push(...(await disagreementsIn(server, 'public')))
  },
}

/** A kill that interrupts no request proves nothing. */
function expectCut({ tally }: Site): void {
  if (tally.unanswered === 0) tally.wrong.push('no request was ever cut off')
}
