import { available } from '../available.ts'
import type { Bench, Case } from '../bench.ts'
import type { Dataset } from '../dataset.ts'
import { planned } from '../kinds.ts'
import type { Kind } from '../kinds.ts'
import type { Load } from '../load.ts'
import { alternate, failures, leastOfBefore, ratioOf, throughputTable, underLoad } from '../measure.ts'
import type { Plan } from '../options.ts'
import { pgbench, statements } from '../pgbench.ts'
import { atLeast } from '../report.ts'

type Request = Pick<Load, 'method' | 'targets' | 'order' | 'contentType' | 'body'>

interface Write {
  name: 'post' | 'patch' | 'delete'
  title: string
  bars: { least: number; reference: Kind }[]
  references: Kind[]
  request: (bench: Bench, data: Dataset, seconds: number) => Promise<Request>
}

const connections = 64
const json = { contentType: 'application/json' }
const item = JSON.stringify({ name: 'Green tea, 100 bags', category: 'Grocery', price_usd: 4.99, in_stock: true })

/** More than any candidate deletes in a second. */
const deletesPerSecond = 25_000

/** POST, PATCH, and DELETE, durable: the response follows the commit, with fsync on. */
export const writeCases: Case[] = [
  writeCase({
    name: 'post',
    title: 'POST /items, 64 connections, durable',
    bars: [
      { least: 2, reference: 'usual' },
      { least: 1, reference: 'elysia' },
    ],
    references: ['elysia', 'floor', 'usual'],
    request: async (_bench, data) => ({ method: 'POST', targets: data.collection, body: item, ...json }),
  }),
  writeCase({
    name: 'patch',
    title: 'PATCH /items/{id}, 64 connections',
    bars: [
      { least: 1.3, reference: 'usual' },
      { least: 1.6, reference: 'elysia' },
    ],
    references: ['elysia', 'usual'],
    request: async (_bench, data) => ({ method: 'PATCH', targets: data.targets, body: '{"price_usd":5.{n}}', ...json }),
  }),
  writeCase({
    name: 'delete',
    title: 'DELETE /items/{id}, 64 connections',
    bars: [{ least: 1.3, reference: 'usual' }],
    references: ['usual'],
    async request({ datasets }, _data, seconds) {
      return { method: 'DELETE', targets: await datasets.addTargets(deletesPerSecond * seconds), order: 'once' }
    },
  }),
]

function times({ quick, turns, fewTurns }: Plan, name: string) {
  return { rounds: name === 'post' ? turns : fewTurns, seconds: 1, warm: quick ? 0 : 2 }
}

function writeCase({ name, title, bars, references, request }: Write): Case {
  const all: Kind[] = ['stockroom', ...(name === 'delete' ? [] : ['before' as const]), ...references]
  const ofBefore = { least: leastOfBefore, reference: 'before' as const }
  return {
    name,
    title,
    seconds(plan) {
      const { rounds, seconds, warm } = times(plan, name)
      const preparing = name === 'delete' ? 1 : 0.3
      return (
        (planned(plan, all).length + (name in statements && !plan.quick ? 1 : 0)) *
        (rounds * (seconds + preparing) + warm + 0.5)
      )
    },
    async run(bench) {
      const data = await bench.datasets.forWrites()
      const { present, notes } = await available(bench, all, data)
      const candidates = await Promise.all(
        present.map(async (kind) => {
          const own = await bench.datasets.forWrites(kind)
          const server = await bench.servers.shared(kind, own)
          return underLoad(bench, kind, server, async (seconds) => ({
            connections,
            ...(await request(bench, own, seconds)),
          }))
        }),
      )
      if (name in statements && !bench.plan.quick)
        candidates.push(...(await pgbench(bench, data, name as 'post', connections)))
      const measured = await alternate(bench, candidates, times(bench.plan, name))
      return {
        tables: [throughputTable(measured, ['before', 'usual', 'elysia', 'floor', 'pgbench'])],
        bars: [...(present.includes('before') ? [ofBefore] : []), ...bars].map(({ least, reference }) =>
          atLeast(least, ratioOf(measured, 'stockroom', reference), `≥ ${least} × ${reference}`, '×'),
        ),
        notes: [...notes, ...failures(measured)],
      }
    },
  }
}
