import type { Agent } from 'node:http'

import type { ReceivedResponse, RequestOptions } from '../support/http-client.ts'
import type { Tally } from './fault.ts'

export interface Row {
  name: string
  price: number
}

/** The writes and their responses. */
export interface Ledger {
  /** Creates an item, changes it, reads it `elsewhere`, and deletes every third; stops tracking it after an unclear outcome. */
  writeOne(url: string, elsewhere: string, token: string, agent: Agent): Promise<void>
  /** Counts the items that differ from the responses. */
  compare(stored: Map<string, Row>): void
}

type Expect = (status: number, token: string, question: RequestOptions) => Promise<ReceivedResponse | undefined>

/** Prices that an item may have by now: two after an unconfirmed change. Undefined: it may be deleted. */
type Possible = (number | undefined)[]

/** The name contains the price, so that a partially written row is recognized. */
const nameOf = (price: number) => `item of ${price}`

export function openLedger(tally: Tally, expect: Expect): Ledger {
  const items = new Map<string, Possible>()
  let count = 0
  const next = () => {
    const price = ++count
    return { name: nameOf(price), price_usd: price }
  }

  return {
    async writeOne(url, elsewhere, token, agent) {
      const item = next()
      const body = { ...item, category: 'Grocery', in_stock: true }
      const created = await expect(201, token, { method: 'POST', url: `${url}/items`, body, agent })
      if (!created) return
      const { id } = JSON.parse(created.body)
      items.set(id, [item.price_usd])
      const at = { url: `${url}/items/${id}`, agent }

      const change = next()
      items.set(id, [item.price_usd, change.price_usd])
      if (!(await expect(200, token, { method: 'PATCH', ...at, body: change }))) return
      items.set(id, [change.price_usd])
      const read = await expect(200, token, { url: `${elsewhere}/items/${id}` })
      if (read && JSON.parse(read.body).price_usd !== change.price_usd)
        tally.wrong.push(`read after its change: ${read.body}`)

      if (change.price_usd % 3 > 0) return
      items.set(id, [change.price_usd, undefined])
      if (await expect(204, token, { method: 'DELETE', ...at })) items.set(id, [undefined])
    },

    compare(stored) {
      for (const [id, possible] of items) {
        const price = stored.get(id)?.price
        if (!possible.includes(price))
          tally.lost.push(`item ${id} has the price ${price} instead of ${possible.join(' or ')}`)
      }
      for (const [id, { name, price }] of stored) {
        if (name !== nameOf(price)) tally.lost.push(`item ${id} is half written: ${name} for ${price}`)
      }
    },
  }
}
