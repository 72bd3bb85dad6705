import { sampleItems } from '../../console/src/items/samples.ts'
import { type Client, createClient } from '../../src/client/client.ts'

export const password = 'correct horse battery'
export const ada = 'ada@example.com'

/** Three managers with a store of 120 items, some of which have changed since. */
export async function fillStore(url: string): Promise<void> {
  const [own, mary, grace] = await Promise.all([
    register(url, 'Ada Lovelace', ada),
    register(url, 'Mary Seacole', 'mary@example.com'),
    register(url, 'Grace Hopper', 'grace@example.com'),
  ])
  const samples = sampleItems()
  for (const [index, client] of [own, mary, grace].entries()) {
    const rows = samples.filter((_, at) => at % 3 === index)
    await client.items.import(rows.map((row) => JSON.stringify(row)).join('\n'), { format: 'ndjson' })
  }
  await setPrice(mary, 'Coffee beans, dark roast', 13.95)
  await grace.items.bulk({
    select: { filters: { category: ['Apparel'], store_manager_id: 'me' } },
    change: { price: { percent: -15, round: 0.05 } },
  })
  await setPrice(own, 'Green tea, 100 bags', 5.25)
}

async function register(url: string, name: string, email: string): Promise<Client> {
  const client = createClient({ baseUrl: url })
  await client.register({ name, email, password })
  await client.logIn({ email, password })
  return client
}

async function setPrice(client: Client, name: string, price: number): Promise<void> {
  const { items } = await client.items.list({ q: name, limit: 1 })
  const [item] = items
  if (item) await client.items.update(item.id, { price_usd: price })
}
