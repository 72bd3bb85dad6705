import { setTimeout as sleep } from 'node:timers/promises'

import { sendRequest, openConnection } from '../support/http-client.ts'
import { openOwnPostgres } from '../support/postgres.ts'
import type { Fault } from './fault.ts'
import { openReplicas, settingsFor } from './service.ts'
import { durable } from './stage.ts'

/** Each of many clients increments the price of the same item, on one of three processes. */
export const lostUpdates: Fault = {
  name: 'lost-updates',
  title: 'Concurrent read-modify-writes of one item, with If-Match and retry',
  times: 200,
  async run({ tally, ...site }, times) {
    const { server } = await openOwnPostgres(site, durable)
    const { all, newToken } = await openReplicas(
      site,
      [1, 2, 3].map(() => settingsFor(server)),
    )
    const authorization = `Bearer ${await newToken()}`
    const send = (url: string, method: string, body?: object, headers = {}, agent = openConnection()) => {
      tally.requests++
      return sendRequest({ method, url, body, headers: { authorization, ...headers }, agent })
    }
    const origin = (index: number) => all[index % all.length]?.url ?? ''
    const tea = { name: 'Green tea', category: 'Grocery', price_usd: 0, in_stock: true }
    const { id } = JSON.parse((await send(`${origin(0)}/items`, 'POST', tea)).body)

    let refused = 0
    const add = async (_: unknown, index: number) => {
      const url = `${origin(index)}/items/${id}`
      const agent = openConnection()
      for (;;) {
        const read = await send(url, 'GET', undefined, {}, agent)
        const change = { price_usd: JSON.parse(read.body).price_usd + 1 }
        const changed = await send(url, 'PATCH', change, { 'if-match': String(read.headers.etag) }, agent)
        if (changed.status === 200) break
        if (changed.status === 412) refused++
        else tally.wrong.push(`PATCH got ${changed.status}: ${changed.body}`)
        await sleep(Math.random() * 300)
      }
      agent.destroy()
    }
    await Promise.all(Array.from({ length: times }, add))
    const { price_usd: sum } = JSON.parse((await send(`${origin(1)}/items/${id}`, 'GET')).body)
    for (let lost = sum; lost < times; lost++) tally.lost.push(`of ${times} changes ${sum} are there`)
    return `${refused} updates got 412 because the item had changed`
  },
}
