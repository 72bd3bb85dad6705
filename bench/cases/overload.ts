import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Bench, Case } from '../bench.ts'
import type { Dataset } from '../dataset.ts'
import { apply, type Load, type Outcome } from '../load.ts'
import { atLeast, atMost, count, median, short } from '../report.ts'
import type { RunningServer } from '../servers.ts'

/** LIMIT_CONCURRENCY: as many connections keep the service busy, four times as many are too many. */
const limit = 64
/** Connections of a separate load generator that measure latency. */
const watchers = 8
/** Seconds until all clients are connected. */
const gathering = 1

interface Overloaded {
  outcome: Outcome
  watched: Outcome
}

/** The crowd retries immediately, which no client should; the watchers respect Retry-After. */
export const overloadCase: Case = {
  name: 'overload',
  title: `GET /items/{id}, overload`,
  seconds: (plan) => 2 + crowds.length * plan.fewRounds * (plan.seconds + 2.2),
  async run(bench) {
    const data = await bench.datasets.of(bench.plan.rows)
    const server = await bench.servers.start('stockroom', data, { LIMIT_CONCURRENCY: String(limit) })
    const results = new Map<number, Overloaded[]>()
    for (let round = 1; round <= bench.plan.fewRounds; round++) {
      for (const connections of crowds) {
        bench.progress.step(`${connections} connections, round ${round} of ${bench.plan.fewRounds}`)
        const result = await overload(bench, server, data, connections)
        results.set(connections, [...(results.get(connections) ?? []), result])
      }
    }
    await server.stop()
    return overloadReport(results)
  },
}

const crowds = [limit, 4 * limit]

async function overload(
  { plan, folder, datasets, signal }: Bench,
  { url }: RunningServer,
  { targets }: Dataset,
  connections: number,
): Promise<Overloaded> {
  // Few, because each watcher prepares all of them before it begins, while the crowd is already running.
  const fewTargets = join(folder, 'targets-watched')
  await writeFile(fewTargets, (await readFile(targets, 'utf8')).split('\n').slice(0, 500).join('\n'))
  const load: Load = {
    url,
    targets,
    tokens: datasets.tokens,
    method: 'GET',
    connections: connections - watchers,
    seconds: plan.seconds + 2,
  }
  const crowd = apply(load, signal)
  crowd.catch(() => {})
  await sleep(gathering * 1000, undefined, { signal })
  const watched = await apply(
    { ...load, targets: fewTargets, connections: watchers, seconds: plan.seconds, watched: true },
    signal,
  )
  return { outcome: await crowd, watched }
}

function overloadReport(results: Map<number, Overloaded[]>) {
  const rows = [...results].map(([connections, rounds]) => summarize(connections, rounds))
  const best = Math.max(...rows.map(({ served }) => served))
  const all = [...results.values()].flat()
  const lacking = all.reduce((sum, { watched }) => sum + watched.withoutRetryAfter, 0)
  const broken = all.reduce((sum, { outcome }) => sum + outcome.broken, 0)
  return {
    tables: [
      {
        header: ['connections', 'served/s', '× peak', 'refused %', 'p50 ms', 'p99 ms', 'shed p99 ms', 'shed max ms'],
        rows: rows.map(({ connections, served, refused, p50, p99, shedP99, shedMax }) => [
          count(connections),
          ...[served, served / best, refused, p50, p99, shedP99, shedMax].map(short),
        ]),
      },
    ],
    bars: rows
      .filter(({ connections }) => connections > limit)
      .flatMap(({ connections, served, shedMax }) => {
        const crowd = `${count(connections)} connections`
        const quickly = atMost(50, shedMax, `${crowd}: every 503 within 50 ms`, 'ms')
        return [
          atLeast(0.8, served / best, `${crowd}: served ≥ 0.8 × peak`, '×'),
          Number.isNaN(shedMax) ? { ...quickly, figure: 'none was shed' } : quickly,
        ]
      }),
    notes: [
      `503 without Retry-After: ${lacking}. Connections broken: ${broken}.`,
      `The service has LIMIT_CONCURRENCY=${limit}. Latencies are those of ${watchers} connections next to the crowd, ` +
        'from a load generator of their own; `served/s` counts the crowd alone.',
    ],
  }
}

/** The medians of the rounds; NaN if nothing was shed. */
function summarize(connections: number, rounds: Overloaded[]) {
  const of = (figure: (one: Overloaded) => number) => median(rounds.map(figure))
  const shed = rounds.filter(({ watched }) => watched.shed.count > 0)
  return {
    connections,
    served: of(({ outcome }) => (outcome.requests - outcome.refused) / outcome.seconds),
    refused: of(({ outcome }) => (100 * outcome.refused) / outcome.requests),
    p50: of(({ watched }) => watched.served.p50),
    p99: of(({ watched }) => watched.served.p99),
    shedP99: median(shed.map(({ watched }) => watched.shed.p99)),
    shedMax: median(shed.map(({ watched }) => watched.shed.max)),
  }
}
