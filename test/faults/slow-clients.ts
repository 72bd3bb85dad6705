import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

import { sendRequest } from '../support/http-client.ts'
import { openOwnPostgres } from '../support/postgres.ts'
import { openSlowClients } from '../support/slow-clients.ts'
import type { Fault } from './fault.ts'
import { openReplicas, settingsFor } from './service.ts'
import { durable } from './stage.ts'

/** Milliseconds: of requests of others, for a response, and for a whole request to arrive. */
const servedTime = 10_000
const longestResponse = 2_000
const requestTimeout = 30_000

/** Clients that send a byte of their headers or body from time to time and never finish. */
export const slowClients: Fault = {
  name: 'slow-clients',
  title: 'Slow clients (slowloris) next to others, one process',
  times: 500,
  async run({ tally, step, ...site }, times) {
    const connect = openSlowClients(site)
    const { server } = await openOwnPostgres(site, durable)
    const { all, newToken } = await openReplicas(site, [settingsFor(server)])
    const url = all[0]?.url ?? ''
    const headers = { authorization: `Bearer ${await newToken()}` }
    const begun = performance.now()
    const clients = await connect(Number(new URL(url).port), times)
    let slowest = 0
    while (performance.now() - begun < servedTime) {
      tally.requests++
      const asked = performance.now()
      const { status, body } = await sendRequest({ url: `${url}/items`, headers: { ...headers, connection: 'close' } })
      const took = performance.now() - asked
      slowest = Math.max(slowest, took)
      if (status !== 200) tally.wrong.push(`GET got ${status}: ${body}`)
      if (took > longestResponse) tally.wrong.push(`a response took ${took} ms`)
      await sleep(20)
    }
    step('waiting until they are disconnected')
    const left = clients.filter(({ closed }) => !closed)
    await Promise.race([
      Promise.all(left.map((socket) => once(socket, 'close'))),
      sleep(requestTimeout - servedTime + 3_000),
    ])
    const stayed = clients.filter(({ closed }) => !closed).length
    if (stayed > 0) tally.wrong.push(`${stayed} slow clients were still connected after ${requestTimeout} ms`)
    return `the slowest response took ${Math.round(slowest)} ms`
  },
}
