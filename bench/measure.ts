import { setTimeout as sleep } from 'node:timers/promises'

import type { Bench } from './bench.ts'
import { apply, type Load } from './load.ts'
import { cpuSeconds } from './processes.ts'
import { count, median, short, type Table } from './report.ts'
import type { RunningServer } from './servers.ts'

/** What one measurement of a candidate gives. Times are in milliseconds. */
export interface Sample {
  /** Requests a second that succeeded. */
  rate: number
  p50: number
  p99: number
  /** Requests that did not. */
  failed: number
  /** Microseconds of CPU for each request. */
  cpu: { server: number; postgres: number; redis: number }
}

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

/** A measurement of `server` under a load. */
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

/** Waits until the server has done what it was asked for by clients that have gone since, for 15 s at most. */
export async function settle({ signal }: Bench, { pid }: RunningServer): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const before = cpuSeconds(pid)
    await sleep(300, undefined, { signal })
    if (!(cpuSeconds(pid) - before > 0.03)) return
  }
}

/** Measures the candidates in turn, as often as `rounds` says, so that what changes on the machine meets all of them. */
export async function alternate(bench: Bench, candidates: Candidate[], times: Times): Promise<Measured[]> {
  const measured = candidates.map(({ name }): Measured => ({ name, samples: [] }))
  for (const { name, measure } of times.warm > 0 ? candidates : []) {
    bench.progress.step(`${name}, warming up`)
    await measure(times.warm)
  }
  for (let round = 1; round <= times.rounds; round++) {
    for (const [index, { name, measure }] of candidates.entries()) {
      bench.progress.step(`${name}, round ${round} of ${times.rounds}`)
      measured[index]?.samples.push(await measure(times.seconds))
    }
  }
  return measured
}

/** The median of a figure of one candidate; NaN if it was not measured. */
export function medianOf(measured: Measured[], name: string, figure: (sample: Sample) => number): number {
  return median((measured.find((candidate) => candidate.name === name)?.samples ?? []).map(figure))
}

/** How many times the figure of `other` that of `name` is: the median of the rounds, in which both met the same machine. */
export function ratioOf(
  measured: Measured[],
  name: string,
  other: string,
  figure: (sample: Sample) => number = rate,
): number {
  const [samples, others] = [name, other].map(
    (one) => measured.find((candidate) => candidate.name === one)?.samples ?? [],
  )
  return median((samples ?? []).map((sample, round) => figure(sample) / figure(others?.[round] ?? sample)))
}

export const rate = ({ rate: figure }: Sample) => figure
export const p50 = ({ p50: figure }: Sample) => figure
export const p99 = ({ p99: figure }: Sample) => figure

/** Microseconds of CPU a request, of all that take part. */
export const allCpu = ({ cpu: { server, postgres, redis } }: Sample) => server + postgres + (redis || 0)

/** A line for each candidate, with the ratio of its throughput to those of `references`. */
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

/** What to say of requests that failed where none may. */
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
