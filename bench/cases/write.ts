import type { Bench, Case } from '../bench.ts'
import type { Dataset } from '../dataset.ts'
import type { Load } from '../load.ts'
import { alternate, failures, ratioOf, throughputTable, underLoad } from '../measure.ts'
import type { Plan } from '../options.ts'
import { pgbench, statements } from '../pgbench.ts'
import { atLeast } from '../report.ts'
import type { Kind } from '../servers.ts'

type Request = Pick<Load, 'method' | 'targets' | 'order' | 'contentType' | 'body'>

interface Write {
  name: 'post' | 'patch' | 'delete'
  title: string
  bar: number
  references: Kind[]
  request: (bench: Bench, data: Dataset, seconds: number) => Promise<Request>
}

const connections = 64
const json = { contentType: 'application/json' }
const item = JSON.stringify({ name: 'Green tea, 100 bags', category: 'Grocery', price_usd: 4.99, in_stock: true })

/** More than any candidate deletes in a second. */
const deletesPerSecond = 25_000

/** POST, PATCH and DELETE, durable: answered after the commit, with fsync on. */
export const writeCases: Case[] = [
  writeCase({
    name: 'post',
    title: 'POST /items, 64 connections, durable',
    bar: 2,
    references: ['floor', 'usual'],
    request: async (_bench, data) => ({ method: 'POST', targets: data.collection, body: item, ...json }),
  }),
  writeCase({
    name: 'patch',
    title: 'PATCH /items/{id}, 64 connections',
    bar: 1.3,
    references: ['usual'],
    request: async (_bench, data) => ({ method: 'PATCH', targets: data.targets, body: '{"price_usd":5.49}', ...json }),
  }),
  writeCase({
    name: 'delete',
    title: 'DELETE /items/{id}, 64 connections',
    bar: 1.3,
    references: ['usual'],
    async request({ datasets }, _data, seconds) {
      return { method: 'DELETE', targets: await datasets.addTargets(deletesPerSecond * seconds), order: 'once' }
    },
  }),
]

function times({ quick, turns, fewTurns }: Plan, name: string) {
  return { rounds: name === 'post' ? turns : fewTurns, seconds: 1, warm: quick ? 0 : 2 }
}

function writeCase({ name, title, bar, references, request }: Write): Case {
  const all: Kind[] = ['stockroom', ...references]
  return {
    name,
    title,
    seconds(plan) {
      const { rounds, seconds, warm } = times(plan, name)
      const preparing = name === 'delete' ? 1 : 0.3
      return (all.length + (name in statements && !plan.quick ? 1 : 0)) * (rounds * (seconds + preparing) + warm + 0.5)
    },
    async run(bench) {
      const data = await bench.datasets.forWrites()
      const candidates = await Promise.all(
        all.map(async (kind) => {
          const server = await bench.servers.shared(kind, data)
          return underLoad(bench, kind, server, async (seconds) => ({
            connections,
            ...(await request(bench, data, seconds)),
          }))
        }),
      )
      if (name in statements && !bench.plan.quick)
        candidates.push(...(await pgbench(bench, data, name as 'post', connections)))
      const measured = await alternate(bench, candidates, times(bench.plan, name))
      const ratio = ratioOf(measured, 'stockroom', 'usual')
      return {
        tables: [throughputTable(measured, ['usual', 'floor', 'pgbench'])],
        bars: [atLeast(bar, ratio, `≥ ${bar.toFixed(1)} × usual`, '×')],
        notes: failures(measured),
      }
    },
  }
}
