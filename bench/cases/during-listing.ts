import { setTimeout as sleep } from 'node:timers/promises'

import type { Bench, Case } from '../bench.ts'
import type { Dataset } from '../dataset.ts'
import { download } from '../download.ts'
import { alternate, type Candidate, failures, medianOf, p99, type Sample, throughputTable } from '../measure.ts'
import { atMost, median, short } from '../report.ts'
import type { RunningServer } from '../servers.ts'
import { reader } from './read.ts'

const connections = 64

/** Reads while one client lists everything in a loop. */
export const duringListingCase: Case = {
  name: 'during-list',
  title: `GET /items/{id}, ${connections} connections, during a listing of everything`,
  seconds: ({ quick, fewRounds, seconds, rows }) => (quick ? 2 : 4) * fewRounds * (seconds + 0.5 + rows / 1e6),
  async run(bench) {
    const { quick, fewRounds, seconds, rows } = bench.plan
    const data = await bench.datasets.of(rows)
    const listings: number[] = []
    const candidates: Candidate[] = []
    for (const kind of quick ? (['stockroom'] as const) : (['stockroom', 'usual'] as const)) {
      const reads = await reader(bench, kind, data, connections)
      const server = await bench.servers.shared(kind, data)
      const keep = kind === 'stockroom' ? listings : []
      const measure = (time: number) => whileListing(bench, server, data, () => reads.measure(time), keep)
      candidates.push(reads, { name: `${kind}, listing`, measure })
    }
    const measured = await alternate(bench, candidates, { rounds: fewRounds, seconds, warm: 0 })
    const cut = listings.filter(Number.isNaN).length
    const ratio = (kind: string) => medianOf(measured, `${kind}, listing`, p99) / medianOf(measured, kind, p99)
    return {
      tables: [throughputTable(measured, [])],
      bars: [atMost(3, ratio('stockroom'), 'p99 of reads ≤ 3 × without the listing', '×')],
      notes: [
        `${listings.length - cut} listings of stockroom were completed during the reads, in ${short(median(listings))} ms each.`,
        ...(cut > 0 ? [`**${cut} listings of stockroom were refused or cut short.**`] : []),
        ...(quick ? [] : [`The p99 of \`usual\` is ${short(ratio('usual'))} ×.`]),
        ...failures(measured),
      ],
    }
  },
}

/** Measures during consecutive listings, and waits for the last one. `times` gets the duration of each, NaN if incomplete. */
async function whileListing(
  bench: Bench,
  { port }: RunningServer,
  { token }: Dataset,
  measure: () => Promise<Sample>,
  times: number[],
): Promise<Sample> {
  const measuring = new AbortController()
  const list = async () => {
    while (!measuring.signal.aborted) {
      const { total, complete } = await download(port, '/items', token, bench.signal)
      times.push(complete ? total : Number.NaN)
      // A rejected listing would be retried forever.
      if (!complete) await sleep(100, undefined, { signal: bench.signal })
    }
  }
  const listing = list()
  listing.catch(() => {})
  const sample = await measure().finally(() => measuring.abort())
  await listing
  return sample
}
