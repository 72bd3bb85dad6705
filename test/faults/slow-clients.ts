import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

import { openDribblers } from '../support/dribble.ts'
import { sendRequest } from '../support/http-client.ts'
import { openOwnPostgres } from '../support/postgres.ts'
import type { Fault } from './fault.ts'
import { openReplicas, settingsFor } from './service.ts'
import { durable } from './stage.ts'

/** Milliseconds: how long others are served beside them, an answer may take, and a whole request may take to arrive. */
const beside = 10_000
const longestAnswer = 2_000
const requestTimeout = 30_000

/** They send a byte of their headers or of their body now and then, and never an end. */
export const dribbling: Fault = {
  name: 'slow-clients',
  title: 'Clients that dribble (slowloris) beside others, one process',
  times: 500,
  async run({ tally, step, ...site }, times) {
    const dribble = openDribblers(site)
    const { server } = await openOwnPostgres(site, durable)
    const { all, newToken } = await openReplicas(site, [settingsFor(server)])
    const url = all[0]?.url ?? ''
    const headers = { authorization: `Bearer ${await newToken()}` }
    const begun = performance.now()
    const dribblers = await dribble(Number(new URL(url).port), times)
    let slowest = 0
    while (performance.now() - begun < beside) {
      tally.requests++
      const asked = performance.now()
      const { status, body } = await sendRequest({ url: `${url}/items`, headers: { ...headers, connection: 'close' } })
      const took = performance.now() - asked
      slowest = Math.max(slowest, took)
      if (status !== 200) tally.wrong.push(`GET was answered ${status}: ${body}`)
      if (took > longestAnswer) tally.wrong.push(`an answer took ${took} ms`)
      await sleep(20)
    }
    step('waiting until they are told to go')
    const left = dribblers.filter(({ closed }) => !closed)
    await Promise.race([
      Promise.all(left.map((socket) => once(socket, 'close'))),
      sleep(requestTimeout - beside + 3_000),
    ])
    const stayed = dribblers.filter(({ closed }) => !closed).length
    if (stayed > 0) tally.wrong.push(`${stayed} dribbling clients were still there after ${requestTimeout} ms`)
    return `the slowest answer took ${Math.round(slowest)} ms`
  },
}
