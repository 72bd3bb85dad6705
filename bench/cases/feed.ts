import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { createClient } from '../../src/client/client.ts'
import type { Bench, Case } from '../bench.ts'
import { run } from '../commands.ts'
import type { Dataset } from '../dataset.ts'
import { residentMiB } from '../processes.ts'
import { atMost, short } from '../report.ts'
import type { RunningServer } from '../servers.ts'

const followers = 1_000
const writesPerSecond = 1_000

/** Milliseconds. */
const pauseMs = 5_000

const writer = new URL('../load/steady-writer.ts', import.meta.url)
const tea = { name: 'Tea', category: 'Grocery', price_usd: 4.99, in_stock: true } as const

export const feedCase: Case = {
  name: 'feed',
  title: 'Follow changes as server-sent events',
  seconds: ({ quick }) => (quick ? 15 : 25),
  async run(bench) {
    const data = await bench.datasets.of(bench.plan.rows)
    const server = await bench.servers.start('stockroom', data)
    bench.progress.step(`${followers} idle followers`)
    const memory = await memoryOfIdle(bench, server, data)
    bench.progress.step(`delivery at ${writesPerSecond} writes/s`)
    const { delays, writes } = await deliver(bench, server, data)
    await server.stop()
    const sorted = delays.toSorted((one, other) => one - other)
    const at = (fraction: number) => sorted[Math.floor(sorted.length * fraction)] ?? Number.NaN
    return {
      tables: [
        {
          header: ['figure', 'value'],
          rows: [
            [`memory of ${followers} idle followers, MiB`, short(memory)],
            ['writes/s', short(writes)],
            ['delivery, median, ms', short(at(0.5))],
            ['delivery, p99, ms', short(at(0.99))],
          ],
        },
      ],
      bars: [
        atMost(60, memory, `${followers} idle followers ≤ 60 MiB`, 'MiB'),
        atMost(250, at(0.99), `delivery p99 at ${writesPerSecond} writes/s ≤ 250 ms`, 'ms'),
      ],
      notes: [],
    }
  },
}

async function memoryOfIdle({ signal }: Bench, { url, pid }: RunningServer, { token }: Dataset): Promise<number> {
  const over = new AbortController()
  await sleep(pauseMs, undefined, { signal })
  const before = residentMiB(pid)
  const headers = { authorization: `Bearer ${token}`, accept: 'text/event-stream' }
  const opened = await Promise.all(
    Array.from({ length: followers }, () =>
      fetch(`${url}/changes/feed?since=now`, { headers, signal: AbortSignal.any([signal, over.signal]) }),
    ),
  )
  const refused = opened.find(({ status }) => status !== 200)
  if (refused) throw new Error(`a follower got ${refused.status}`)
  await sleep(pauseMs, undefined, { signal })
  const memory = residentMiB(pid) - before
  over.abort()
  return memory
}

/** Milliseconds from when a write gets its ID, before its statement, until its event. */
async function deliver({ plan, signal }: Bench, { url }: RunningServer, { token }: Dataset) {
  const client = createClient({ baseUrl: url, token, signal })
  const over = new AbortController()
  const delays: number[] = []
  const first = Promise.withResolvers<void>()
  const following = (async () => {
    for await (const { change } of client.changes.follow({ since: 'now' }, { signal: over.signal })) {
      if (change !== undefined) delays.push(Date.now() - Date.parse(change.at))
      first.resolve()
    }
  })().catch(first.reject)
  const noise = setInterval(() => void client.items.create(tea).catch(() => {}), 100)
  await first.promise.finally(() => clearInterval(noise))
  delays.length = 0
  const seconds = plan.quick ? 3 : 8
  const { hostname, port } = new URL(url)
  const parameters = [hostname, port, token, writesPerSecond, seconds].map(String)
  const output = await run(process.execPath, [fileURLToPath(writer), ...parameters], signal)
  const { created } = JSON.parse(output) as { created: number }
  await sleep(pauseMs, undefined, { signal })
  over.abort()
  await following
  const missing = Math.max(0, created - delays.length)
  return { delays: [...delays, ...Array.from({ length: missing }, () => Infinity)], writes: created / seconds }
}
