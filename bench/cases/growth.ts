import type { Bench, Case } from '../bench.ts'
import { alternate, medianOf, rate, throughputTable } from '../measure.ts'
import type { Plan } from '../options.ts'
import { keepPlot } from '../plot.ts'
import { atMost, count, median, short } from '../report.ts'
import { listFresh, type Listing } from './listing.ts'
import { reader } from './read.ts'

const millions = 1_000_000

/** Cost by table size. */
export const growthCases: Case[] = [
  {
    name: 'growth-get',
    title: 'GET /items/{id}, 64 connections, against rows',
    seconds: (plan) => sizes(plan).length * (plan.fewRounds * (plan.seconds + 0.4) + 2) + (plan.quick ? 0 : 45),
    run: growthOfReads,
  },
  {
    name: 'growth-list',
    title: 'GET /items against rows',
    seconds: (plan) => listed(plan).length * plan.fewRounds * 2 + (plan.quick ? 1 : 16),
    run: growthOfListing,
  },
]

function sizes({ quick }: Plan): number[] {
  return quick ? [1_000, 100_000] : [1_000, 100_000, millions, 5 * millions]
}

function listed({ quick }: Plan): number[] {
  return quick ? [1_000, 100_000] : [1_000, 10_000, 100_000, millions, 5 * millions]
}

async function growthOfReads(bench: Bench) {
  const candidates = []
  const counts = sizes(bench.plan)
  for (const rows of counts) {
    bench.progress.step(`making ${count(rows)} rows`)
    const data = await bench.datasets.of(rows)
    candidates.push(await reader(bench, 'stockroom', data, 64, count(rows)))
  }
  const { fewRounds, seconds } = bench.plan
  const measured = await alternate(bench, candidates, { rounds: fewRounds, seconds, warm: 0 })
  const rates = counts.map((rows) => medianOf(measured, count(rows), rate))
  await keepPlot(bench, 'growth-get', {
    title: 'GET /items/{id} at 64 connections, against the size of the table',
    x: { label: 'rows', log: true },
    y: { label: 'requests/s', log: false },
    lines: [{ name: 'stockroom', points: counts.map((rows, index) => [rows, rates[index] ?? 0]) }],
  })
  const table = throughputTable(measured, [count(counts[0] ?? 0)])
  return {
    tables: [{ ...table, header: ['rows', ...table.header.slice(1)] }],
    bars: [atMost(1.25, Math.max(...rates) / Math.min(...rates), 'flat: fastest ≤ 1.25 × slowest', '×')],
    notes: [],
  }
}

async function growthOfListing(bench: Bench) {
  const results = new Map<number, Listing[]>()
  for (const rows of listed(bench.plan)) {
    bench.progress.step(`stockroom, ${count(rows)} rows`)
    const data = await bench.datasets.of(rows)
    // Five million rows take long enough for one measurement.
    const rounds = rows > millions ? 1 : bench.plan.fewRounds
    results.set(rows, [])
    for (let round = 1; round <= rounds; round++) {
      results.get(rows)?.push(await listFresh(bench, 'stockroom', data, rows > millions ? 1 : 2))
    }
  }
  const medians = [...results].map(([rows, listings]) => ({
    rows,
    time: median(listings.map(({ total }) => total)),
    firstByte: median(listings.map(({ firstByte }) => firstByte)),
    growth: median(listings.map(({ growth }) => growth)),
  }))
  await keepPlot(bench, 'growth-list', {
    title: 'GET /items, everything, against the size of the table',
    x: { label: 'rows', log: true },
    y: { label: 'milliseconds, or MiB', log: true },
    lines: [
      { name: 'time, ms', points: medians.map(({ rows, time }) => [rows, time]) },
      { name: 'memory, + MiB', points: medians.map(({ rows, growth }) => [rows, Math.max(0.1, growth)]) },
    ],
  })
  return listingGrowthReport(medians)
}

function listingGrowthReport(medians: { rows: number; time: number; firstByte: number; growth: number }[]) {
  const [large, larger] = medians.slice(-2)
  const linear = each(larger) / each(large)
  const most = Math.max(...medians.map(({ growth }) => growth))
  return {
    tables: [
      {
        header: ['rows', 'ms', 'µs a row', 'first byte ms', 'memory + MiB'],
        rows: medians.map(({ rows, time, firstByte, growth }) => [
          count(rows),
          ...[time, (time * 1000) / rows, firstByte, growth].map(short),
        ]),
      },
    ],
    bars: [
      atMost(
        1.25,
        linear,
        `linear: time a row at ${count(larger?.rows ?? 0)} ≤ 1.25 × at ${count(large?.rows ?? 0)}`,
        '×',
      ),
      atMost(64, most, 'memory + ≤ 64 MiB at any size', 'MiB'),
    ],
    notes: [],
  }
}

function each({ rows, time }: { rows: number; time: number } = { rows: 0, time: 0 }): number {
  return time / rows
}
