import { setTimeout as sleep } from 'node:timers/promises'

import type { Bench, Case } from '../bench.ts'
import type { Dataset } from '../dataset.ts'
import { copy, download } from '../download.ts'
import type { Kind } from '../kinds.ts'
import { peakMiB, resetPeak, residentMiB } from '../processes.ts'
import { atMost, count, median, short } from '../report.ts'

/** Milliseconds in which a process frees the memory that only its start needed. */
const pauseMs = 1_500

/** A listing of everything. Times are in milliseconds, `growth` in MiB. */
export interface Listing {
  total: number
  firstByte: number
  bytes: number
  complete: boolean
  growth: number
}

/** What is listed, and which encoding of it is accepted. */
export interface Target {
  path: string
  encoding?: string
}

/** Uses a new server, so that memory starts at that of a fresh process. Only the last of `times` listings is timed. */
export async function listFresh(
  bench: Bench,
  kind: Kind,
  data: Dataset,
  times: number,
  { path, encoding }: Target = { path: '/items' },
): Promise<Listing> {
  const server = await bench.servers.start(kind, data)
  await sleep(pauseMs, undefined, { signal: bench.signal })
  const before = residentMiB(server.pid)
  resetPeak(server.pid)
  const list = () => download(server.port, path, data.token, bench.signal, encoding)
  let last = await list()
  for (let again = 1; again < times; again++) last = await list()
  const growth = peakMiB(server.pid) - before
  await server.stop()
  return { ...last, growth }
}

interface Results {
  /** Milliseconds. */
  copies: number[]
  many: Listing[]
  few: Listing[]
  usual: Listing[]
}

export const listingCase: Case = {
  name: 'list',
  title: 'GET /items, everything',
  seconds: ({ quick, fewRounds, rows }) => fewRounds * (4 + rows / (quick ? 40_000 : 70_000)),
  async run(bench) {
    const { rows, fewRows, fewRounds } = bench.plan
    const many = await bench.datasets.of(rows)
    const few = await bench.datasets.of(fewRows)
    const results: Results = { copies: [], many: [], few: [], usual: [] }
    for (let round = 1; round <= fewRounds; round++) {
      const step = (what: string) => bench.progress.step(`${what}, round ${round} of ${fewRounds}`)
      step('COPY')
      results.copies.push((await copy(bench.stores, many.schema)).total)
      step('stockroom')
      results.many.push(await listFresh(bench, 'stockroom', many, 2))
      step('usual')
      results.usual.push(await listFresh(bench, 'usual', many, 1))
      step(`stockroom, ${count(fewRows)} rows`)
      results.few.push(await listFresh(bench, 'stockroom', few, 2))
    }
    return listingReport(rows, fewRows, results)
  },
}

function listingReport(rows: number, fewRows: number, { copies, many, few, usual }: Results) {
  const limit = median(copies)
  const large = summarize(many)
  const small = summarize(few)
  const line = (name: string, size: number, listings: Listing[], comparable: boolean) => {
    const { total, firstByte, growth, megabytes } = summarize(listings)
    const figures = [total, comparable ? total / limit : Number.NaN, firstByte, growth, megabytes]
    return [name, count(size), ...figures.map(short)]
  }
  const broken = [...many, ...few, ...usual].filter(({ complete }) => !complete).length
  return {
    tables: [
      {
        header: ['candidate', 'rows', 'ms', '× COPY', 'first byte ms', 'memory + MiB', 'MB'],
        rows: [
          ['COPY', count(rows), short(limit), '1', '–', '–', '–'],
          line('stockroom', rows, many, true),
          line('usual', rows, usual, true),
          line('stockroom', fewRows, few, false),
        ],
      },
    ],
    bars: [
      atMost(1.5, large.total / limit, '≤ 1.5 × COPY', '×'),
      atMost(50, large.firstByte, 'first byte ≤ 50 ms', 'ms'),
      atMost(64, large.growth, 'resident memory grows ≤ 64 MiB', 'MiB'),
      atMost(16, Math.abs(large.growth - small.growth), `the same at ${count(fewRows)} rows (± 16 MiB)`, 'MiB apart'),
    ],
    notes: broken > 0 ? [`**${broken} listings were incomplete** and are not counted.`] : [],
  }
}

/** The medians of complete listings. */
export function summarize(listings: Listing[]) {
  const of = (figure: (listing: Listing) => number) => median(listings.filter(({ complete }) => complete).map(figure))
  return {
    total: of(({ total }) => total),
    firstByte: of(({ firstByte }) => firstByte),
    growth: of(({ growth }) => growth),
    megabytes: of(({ bytes }) => bytes / 1e6),
  }
}
