import { setTimeout as sleep } from 'node:timers/promises'

import { sendRequest } from '../support/http-client.ts'
import { openPatroni, type Patroni, ttl, withoutPatroni } from '../support/patroni.ts'
import type { Fault, Site } from './fault.ts'
import { openLoad } from './load.ts'
import { openReplicas, type Replicas, settingsFor } from './service.ts'
import { storedItems } from './stage.ts'

/** Milliseconds after the event, within which each process must serve again. */
const longestOutage = (ttl + 5) * 1000
const pollInterval = 50
/** Successive responses after which an outage counts as over. */
const steady = 20
/** Milliseconds in which an event must have an effect. */
const latestEffect = 15_000

/** One event in a cluster of Patroni with synchronous replication, under the load of two processes of the service. */
function fault(name: string, title: string, happen: (patroni: Patroni) => Promise<void>): Fault {
  return {
    name: `cluster-${name}`,
    title: `Patroni: ${title}`,
    times: 1,
    missing: withoutPatroni,
    async run(site) {
      site.step('starting three nodes')
      const patroni = await openPatroni(site)
      const settings = settingsFor(patroni.server)
      const replicas = await openReplicas(site, [settings, settings])
      const load = await openLoad(replicas, { tally: site.tally, stored: () => storedItems(patroni.server) })
      let outage = 0
      await load.during(async () => {
        site.step(title)
        const ended = watchOutage(site, replicas)
        await happen(patroni)
        outage = await ended
      })
      if (site.tally.unavailable === 0) site.tally.wrong.push('nothing got 503, so it was never down')
      if (outage > longestOutage) site.tally.wrong.push(`the service was down for ${Math.round(outage)} ms`)
      return `served again ${(outage / 1000).toFixed(1)} s after the event`
    },
  }
}

/** Waits until requests fail and succeed again. @returns the milliseconds from the call to the first lasting success */
async function watchOutage({ tally }: Site, { all, newToken }: Replicas): Promise<number> {
  const headers = { authorization: `Bearer ${await newToken()}` }
  const begun = performance.now()
  let failures = 0
  let successes = 0
  let succeededAt = begun
  while (failures === 0 || successes < steady) {
    const since = performance.now() - begun
    if (failures === 0 ? since > latestEffect : since > 3 * longestOutage) break
    const ask = ({ url }: { url: string }) => sendRequest({ url: `${url}/store-managers/me`, headers })
    const responses = await Promise.all(all.map(ask))
    tally.requests += responses.length
    if (responses.every(({ status }) => status === 200)) {
      if (successes === 0) succeededAt = performance.now()
      successes++
    } else {
      failures++
      successes = 0
    }
    await sleep(pollInterval)
  }
  return (successes === 0 ? performance.now() : succeededAt) - begun
}

export const clusterFaults = [
  fault('switchover', 'switchover to a synchronous standby', (patroni) => patroni.switchOver()),
  fault('primary-lost', 'kill -9 of the whole primary node', (patroni) => patroni.killPrimary()),
  fault('postmaster', 'kill -9 of the postmaster, restarted in place', (patroni) => patroni.killPostmaster()),
]
