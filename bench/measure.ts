import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Bench } from './bench.ts'
import { apply, type Load } from './load.ts'
import { cpuSeconds, cpuSecondsOfMachine } from './processes.ts'
import { count, median, short, type Table } from './report.ts'
import type { RunningServer } from './servers.ts'

/** The result of one measurement of a candidate. Times are in milliseconds. */
export interface Sample {
  /** Successful requests per second. */
  rate: number
  p50: number
  p99: number
  /** Failed requests. */
  failed: number
  /** CPU microseconds per request. */
  cpu: { server: number; postgres: number; redis: number }
}

/** What may be lost against the version before: 5 %. */
export const leastOfBefore = 0.95

export interface Candidate {
  name: string
  measure: (seconds: number) => Promise<Sample>
}

export interface Measured {
  name: string
  samples: Sample[]
}

export interface Times {
  rounds: number
  seconds: number
  warm: number
}

export function underLoad(
  bench: Bench,
  name: string,
  server: RunningServer,
  load: (seconds: number) => Promise<Omit<Load, 'url' | 'seconds' | 'tokens'>>,
): Candidate {
  return {
    name,
    async measure(seconds) {
      const rest = await load(seconds)
      const before = usedCpu(bench, server)
      const { tokens } = bench.datasets
      const outcome = await apply({ url: server.url, seconds, tokens, ...rest }, bench.signal)
      const after = usedCpu(bench, server)
      const each = (used: number) => (used * 1e6) / outcome.requests
      return {
        rate: (outcome.requests - outcome.refused) / outcome.seconds,
        p50: outcome.requests > 0 ? outcome.p50 : Number.NaN,
        p99: outcome.requests > 0 ? outcome.p99 : Number.NaN,
        failed: outcome.refused + outcome.broken,
        cpu: {
          server: each(after.server - before.server),
          postgres: each(after.postgres - before.postgres),
          redis: each(after.redis - before.redis),
        },
      }
    },
  }
}

/** Waits at most 15 s until the server has finished the work of clients that have disconnected. */
export async function settle({ signal }: Bench, { pid }: RunningServer): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const before = cpuSeconds(pid)
    await sleep(300, undefined, { signal })
    if (!(cpuSeconds(pid) - before > 0.03)) return
  }
}

/** The share of the cores that other programs may use during a round. */
const maxDisturbance = 0.1

// Alternates between the candidates in each round, so that changes of the machine affect all of them. A round that other programs
// disturb is discarded; at most as many rounds are repeated as are measured.
export async function alternate(bench: Bench, candidates: Candidate[], times: Times): Promise<Measured[]> {
  const measured = candidates.map(({ name }): Measured => ({ name, samples: [] }))
  for (const { name, measure } of times.warm > 0 ? candidates : []) {
    bench.progress.step(`${name}, warming up`)
    await measure(times.warm)
  }
  let repetitions = times.rounds
  for (let round = 1; round <= times.rounds;) {
    const samples: Sample[] = []
    const begun = { at: performance.now(), others: cpuSecondsOfOthers() }
    for (const { name, measure } of candidates) {
      bench.progress.step(`${name}, round ${round} of ${times.rounds}`)
      samples.push(await measure(times.seconds))
    }
    const coreSeconds = ((performance.now() - begun.at) / 1000) * availableParallelism()
    const disturbance = (cpuSecondsOfOthers() - begun.others) / coreSeconds
    if (disturbance > maxDisturbance && repetitions-- > 0) {
      bench.progress.step(`round ${round} is repeated: other programs used ${short(disturbance * 100)} % of the cores`)
      continue
    }
    for (const [index, sample] of samples.entries()) measured[index]?.samples.push(sample)
    round++
  }
  return measured
}

/** CPU seconds of all programs that are not part of this run. NaN where they are unknown, which disturbs nothing. */
function cpuSecondsOfOthers(): number {
  return cpuSecondsOfMachine() - cpuSeconds(process.pid)
}

/** The median of a figure of one candidate; NaN if it was not measured. */
export function medianOf(measured: Measured[], name: string, figure: (sample: Sample) => number): number {
  return median((measured.find((candidate) => candidate.name === name)?.samples ?? []).map(figure))
}

/** The ratio of `name` to `other`: the median over rounds, in which both ran on the machine in the same state. NaN without `other`. */
export function ratioOf(
  measured: Measured[],
  name: string,
  other: string,
  figure: (sample: Sample) => number = rate,
): number {
  const samplesOf = (one: string) => measured.find((candidate) => candidate.name === one)?.samples ?? []
  const others = samplesOf(other)
  return median(
    samplesOf(name).map((sample, round) => {
      const compared = others[round]
      return compared ? figure(sample) / figure(compared) : Number.NaN
    }),
  )
}

export const rate = ({ rate: figure }: Sample) => figure
export const p50 = ({ p50: figure }: Sample) => figure
export const p99 = ({ p99: figure }: Sample) => figure

/** CPU microseconds per request, of all processes. */
export const allCpu = ({ cpu: { server, postgres, redis } }: Sample) => server + postgres + (redis || 0)

/** A row per candidate, with the ratio of its throughput to those of `references`. */
export function throughputTable(measured: Measured[], references: string[]): Table {
  const present = references.filter((name) => measured.some((candidate) => candidate.name === name))
  const cpu = ['server', 'PostgreSQL', 'Redis'].map((who) => `CPU µs ${who}`)
  return {
    header: [
      'candidate',
      'requests/s',
      'min..max',
      'p50 ms',
      'p99 ms',
      ...cpu,
      'failed',
      ...present.map((name) => `× ${name}`),
    ],
    rows: measured.map(({ name, samples }) => {
      const rates = samples.map(rate)
      const of = (figure: (sample: Sample) => number) => short(medianOf(measured, name, figure))
      return [
        name,
        of(rate),
        `${short(Math.min(...rates))}..${short(Math.max(...rates))}`,
        of(p50),
        of(p99),
        of(({ cpu: { server } }) => server),
        of(({ cpu: { postgres } }) => postgres),
        of(({ cpu: { redis } }) => redis),
        count(samples.reduce((sum, { failed }) => sum + failed, 0)),
        ...present.map((other) => short(ratioOf(measured, name, other))),
      ]
    }),
  }
}

/** Notes on failed requests, where none may fail. */
export function failures(measured: Measured[]): string[] {
  return measured.flatMap(({ name, samples }) => {
    const failed = samples.reduce((sum, sample) => sum + sample.failed, 0)
    return failed > 0 ? [`**${failed} requests of ${name} failed**: its figures do not count.`] : []
  })
}

export function usedCpu({ stores }: Bench, server: RunningServer) {
  return {
    server: cpuSeconds(server.pid),
    postgres: cpuSeconds(stores.postgres.pid),
    redis: cpuSeconds(stores.redis.pid),
  }
}
