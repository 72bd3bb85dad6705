import { deepEqual } from 'node:assert/strict'

import { available } from '../available.ts'
import type { Bench, Case } from '../bench.ts'
import type { Dataset } from '../dataset.ts'
import { planned } from '../kinds.ts'
import type { Kind } from '../kinds.ts'
import { apply } from '../load.ts'
import {
  allCpu,
  alternate,
  type Candidate,
  failures,
  leastOfBefore,
  type Measured,
  medianOf,
  rate,
  ratioOf,
  throughputTable,
  underLoad,
} from '../measure.ts'
import type { Plan } from '../options.ts'
import { pgbench } from '../pgbench.ts'
import { keepPlot } from '../plot.ts'
import { atLeast, type Bar, count, type Table } from '../report.ts'
import type { RunningServer } from '../servers.ts'

const everyKind: Kind[] = ['stockroom', 'before', 'elysia', 'floor', 'tuned', 'usual']
/** Of `pgbench`, which connects for each measurement. */
const pgbenchLoad = 64

/** GET /items/{id}: the whole path, with JWT, revocation, and PostgreSQL. */
export const readCase: Case = {
  name: 'get',
  title: 'GET /items/{id}, 1 to 256 connections',
  seconds(plan) {
    const { loads, kinds, rounds, seconds } = extent(plan)
    return (
      (loads.length * kinds.length + 1) * rounds * (seconds + 0.3) +
      kinds.length * (plan.quick ? 1.5 : 7.5) +
      plan.rows / 80_000
    )
  },
  async run(bench) {
    const { loads, kinds, ...times } = extent(bench.plan)
    const data = await bench.datasets.of(bench.plan.rows)
    const { present, notes } = await available(bench, kinds, data)
    await assertSameResponses(bench, present)
    const candidates: Candidate[] = []
    for (const load of loads) {
      for (const kind of present) {
        const own = await bench.datasets.of(bench.plan.rows, kind)
        candidates.push(await reader(bench, kind, own, load, nameAt(kind, load)))
      }
    }
    for (const candidate of await pgbench(bench, data, 'get', pgbenchLoad)) {
      candidates.push({ ...candidate, name: nameAt('pgbench', pgbenchLoad) })
    }
    const measured = await alternate(bench, candidates, times)
    await keepPlot(bench, 'get-connections', {
      title: 'GET /items/{id}, against the number of connections',
      x: { label: 'connections', log: true },
      y: { label: 'requests/s', log: false },
      lines: present.map((name) => ({
        name,
        points: loads.map((load) => [load, medianOf(measured, nameAt(name, load), rate)]),
      })),
    })
    return {
      tables: [tableOf(measured, loads)],
      bars: barsOf(measured, bench.plan),
      notes: [...notes, ...failures(measured)],
    }
  },
}

function extent(plan: Plan) {
  const loads = plan.quick ? [8, 64] : [1, 8, 64, 256]
  return { loads, kinds: planned(plan, everyKind), rounds: plan.turns, seconds: 1, warm: 0 }
}

function nameAt(name: string, load: number): string {
  return `${name}, ${load}`
}

/** The candidates under one load, by their own names. */
function at(measured: Measured[], load: number): Measured[] {
  const ending = nameAt('', load)
  return measured
    .filter(({ name }) => name.endsWith(ending))
    .map(({ name, samples }) => ({ name: name.slice(0, -ending.length), samples }))
}

function tableOf(measured: Measured[], loads: number[]): Table {
  const tables = loads.map((load) => throughputTable(at(measured, load), ['before', 'tuned', 'floor', 'elysia']))
  const [name = '', ...figures] = tables[0]?.header ?? []
  return {
    header: [name, 'connections', ...figures],
    rows: tables.flatMap(({ rows }, index) =>
      rows.map(([candidate = '', ...cells]) => [candidate, count(loads[index] ?? 0), ...cells]),
    ),
  }
}

function barsOf(measured: Measured[], plan: Plan): Bar[] {
  const times = (load: number, other: string) => ratioOf(at(measured, load), 'stockroom', other)
  const from = (least: number, load: number, other: string) =>
    atLeast(least, times(load, other), `${load} connection${load === 1 ? '' : 's'}: ≥ ${least} × ${other}`, '×')
  return [
    ...(plan.against ? extent(plan).loads.map((load) => from(leastOfBefore, load, 'before')) : []),
    ...[1, 8].flatMap((load) => [from(1.2, load, 'tuned'), from(0.75, load, 'floor')]),
    from(0.85, 64, 'floor'),
    from(2.5, 64, 'tuned'),
    atLeast(
      1,
      ratioOf(measured, nameAt('stockroom', 256), nameAt('stockroom', 64)),
      '256 connections: ≥ its own throughput at 64',
      '×',
    ),
    atLeast(
      1,
      ratioOf(at(measured, pgbenchLoad), 'pgbench', 'stockroom', allCpu),
      'requests per CPU second ≥ pgbench, all processes but the load generator (if possible)',
      '×',
    ),
  ]
}

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

/** The warmed-up server that all cases which read `data` share. */
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

/** @throws Error unless the baselines return the same responses, without which the comparison would be meaningless */
async function assertSameResponses({ servers, datasets, plan }: Bench, candidates: Kind[]): Promise<void> {
  const answers = await Promise.all(
    candidates.map(async (kind) => {
      const data = await datasets.of(plan.rows, kind)
      const { path, token } = await datasets.of(plan.rows)
      const { url } = await servers.shared(kind, data)
      const answer = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } })
      return answer.json()
    }),
  )
  for (const answer of answers) deepEqual(answer, answers[0])
}
