import { deepEqual } from 'node:assert/strict'

import type { Bench, Case } from '../bench.ts'
import type { Dataset } from '../dataset.ts'
import { apply } from '../load.ts'
import {
  allCpu,
  alternate,
  type Candidate,
  failures,
  type Measured,
  p50,
  ratioOf,
  throughputTable,
  underLoad,
} from '../measure.ts'
import type { Plan } from '../options.ts'
import { pgbench } from '../pgbench.ts'
import type { Bar } from '../report.ts'
import { atLeast, atMost } from '../report.ts'
import type { Kind, RunningServer } from '../servers.ts'

/** GET /items/{id}: the whole path, with JWT, revocation in Redis and PostgreSQL. */
export const readCases: Case[] = [
  readCase('get', 64, (measured) => [
    atLeast(3, ratioOf(measured, 'stockroom', 'usual'), '≥ 3.0 × usual', '×'),
    atLeast(0.85, ratioOf(measured, 'stockroom', 'floor'), '≥ 0.85 × floor', '×'),
    atLeast(
      1,
      ratioOf(measured, 'pgbench', 'stockroom', allCpu),
      'requests per CPU second ≥ pgbench, all processes but the load generator (if possible)',
      '×',
    ),
  ]),
  readCase('get-1', 1, (measured) => [
    atMost(1.1, ratioOf(measured, 'stockroom', 'usual', p50), 'median latency ≤ 1.1 × usual', '×'),
  ]),
  readCase('get-8', 8, (measured) => [atLeast(1, ratioOf(measured, 'stockroom', 'usual'), '≥ 1.0 × usual', '×')]),
]

/** A measurement of reads at random. */
export async function reader(
  bench: Bench,
  kind: Kind,
  data: Dataset,
  connections: number,
  name: string = kind,
): Promise<Candidate> {
  const server = await warmServer(bench, kind, data)
  return underLoad(bench, name, server, async () => ({ connections, method: 'GET', targets: data.targets }))
}

/** The server that all cases share who read from `data`, at its full speed. */
export async function warmServer(bench: Bench, kind: Kind, data: Dataset): Promise<RunningServer> {
  const server = await bench.servers.shared(kind, data)
  if (bench.warm.has(server)) return server
  bench.progress.step(`${kind}, warming up`)
  const { tokens } = bench.datasets
  const seconds = bench.plan.quick ? 1 : 6
  await apply({ url: server.url, connections: 64, seconds, targets: data.targets, tokens, method: 'GET' }, bench.signal)
  bench.warm.add(server)
  return server
}

/** @throws Error unless the references answer as the service does, which they have to if they do the same work */
async function assertSameAnswers({ servers }: Bench, data: Dataset): Promise<void> {
  const kinds: Kind[] = ['stockroom', 'floor', 'usual']
  const answers = await Promise.all(
    kinds.map(async (kind) => {
      const { url } = await servers.shared(kind, data)
      const answer = await fetch(`${url}${data.path}`, { headers: { authorization: `Bearer ${data.token}` } })
      return answer.json()
    }),
  )
  for (const answer of answers) deepEqual(answer, answers[0])
}

function readCase(name: string, connections: number, bars: (measured: Measured[]) => Bar[]): Case {
  const times = ({ turns, fewTurns }: Plan) => ({ rounds: name === 'get' ? turns : fewTurns, seconds: 1, warm: 0 })
  return {
    name,
    title: `GET /items/{id}, ${connections} connection${connections === 1 ? '' : 's'}`,
    seconds(plan) {
      const { rounds, seconds } = times(plan)
      const candidates = name === 'get' || !plan.quick ? 4 : 2
      return candidates * rounds * (seconds + 0.3) + (name === 'get' ? 3 * (seconds + 1) + plan.rows / 80_000 : 0)
    },
    async run(bench) {
      const data = await bench.datasets.of(bench.plan.rows)
      const inFull = name === 'get' || !bench.plan.quick
      const candidates = [
        await reader(bench, 'stockroom', data, connections),
        ...(inFull ? [await reader(bench, 'floor', data, connections)] : []),
        await reader(bench, 'usual', data, connections),
        ...(inFull ? await pgbench(bench, data, 'get', connections) : []),
      ]
      if (inFull) await assertSameAnswers(bench, data)
      const measured = await alternate(bench, candidates, times(bench.plan))
      const tables = [throughputTable(measured, ['usual', 'floor', 'pgbench'])]
      return { tables, bars: bars(measured), notes: failures(measured) }
    },
  }
}
