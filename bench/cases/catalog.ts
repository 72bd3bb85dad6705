import { Agent, get } from 'node:http'

import { type Sort, sorts } from '../../src/items/query/schemas.ts'
import { decodeCursor, encodeCursor } from '../../src/items/query/sort.ts'
import type { Case } from '../bench.ts'
import type { Dataset } from '../dataset.ts'
import { copy } from '../download.ts'
import type { Bar } from '../report.ts'
import { atMost, count, median, short } from '../report.ts'
import type { RunningServer } from '../servers.ts'
import { listFresh, type Listing, summarize } from './listing.ts'

const exports = {
  csv: { path: '/items/export?format=csv' },
  'csv, gzip': { path: '/items/export?format=csv', encoding: 'gzip' },
  ndjson: { path: '/items/export?format=ndjson' },
  'csv, by name': { path: '/items/export?format=csv&sort=name' },
}

const exportCase: Case = {
  name: 'export',
  title: 'GET /items/export, everything',
  seconds: ({ fewRounds, rows }) => (fewRounds + 3) * (3 + rows / 300_000),
  async run(bench) {
    const { rows, fewRounds } = bench.plan
    const data = await bench.datasets.of(rows)
    const copies: number[] = []
    const results = new Map<string, Listing[]>(Object.keys(exports).map((name) => [name, []]))
    for (let round = 1; round <= fewRounds; round++) {
      bench.progress.step(`COPY, round ${round} of ${fewRounds}`)
      copies.push((await copy(bench.stores, data.schema, '(format csv, header)')).total)
      for (const [name, target] of Object.entries(exports)) {
        // The others are for comparison and have no bar for time.
        if (round > 1 && name !== 'csv') continue
        bench.progress.step(`${name}, round ${round} of ${fewRounds}`)
        results.get(name)?.push(await listFresh(bench, 'stockroom', data, 2, target))
      }
    }
    const limit = median(copies)
    const lines = [...results].map(([name, listings]) => Object.assign(summarize(listings), { name }))
    const [csv] = lines
    const broken = [...results.values()].flat().filter(({ complete }) => !complete).length
    return {
      tables: [
        {
          header: ['format', 'ms', '× COPY', 'first byte ms', 'memory + MiB', 'MB'],
          rows: [
            ['COPY (format csv)', short(limit), '1', '–', '–', '–'],
            ...lines.map(({ name, total, firstByte, growth, megabytes }) => [
              name,
              ...[total, total / limit, firstByte, growth, megabytes].map(short),
            ]),
          ],
        },
      ],
      bars: [
        atMost(1.5, (csv?.total ?? Number.NaN) / limit, 'csv ≤ 1.5 × COPY csv', '×'),
        atMost(64, Math.max(...lines.map(({ growth }) => growth)), 'any format: memory + ≤ 64 MiB', 'MiB'),
      ],
      notes: broken > 0 ? [`**${broken} exports were incomplete** and are not counted.`] : [],
    }
  },
}

const summaryCase: Case = {
  name: 'summary',
  title: 'GET /items/summary',
  seconds: ({ quick }) => (quick ? 2 : 4),
  async run(bench) {
    const data = await bench.datasets.of(bench.plan.rows)
    const server = await bench.servers.shared('stockroom', data)
    const paths = ['', '?category=Pet', '?min_price=10&max_price=20', '?store_manager_id=me', '?q=99999']
    const rows: string[][] = []
    const bars: Bar[] = []
    for (const path of paths) {
      bench.progress.step(`summary${path}`)
      const times = await timesOf(server, data, [`/items/summary${path}`], bench.plan.quick ? 5 : 15)
      rows.push([path === '' ? 'all' : path, ...[median(times), Math.min(...times), Math.max(...times)].map(short)])
      if (path === '') bars.push(atMost(200, median(times), `all of ${count(bench.plan.rows)} items ≤ 200 ms`, 'ms'))
    }
    return { tables: [{ header: ['items', 'ms', 'least', 'most'], rows }], bars, notes: [] }
  },
}

const pageCase: Case = {
  name: 'page',
  title: 'GET /items?limit=100, the first page and the last',
  seconds: ({ quick }) => (quick ? 4 : 6),
  async run(bench) {
    const data = await bench.datasets.of(bench.plan.rows)
    const server = await bench.servers.shared('stockroom', data)
    const rows: string[][] = []
    const bars: Bar[] = []
    for (const sort of sorts) {
      bench.progress.step(`by ${sort}`)
      const first = `/items?limit=100&sort=${sort}`
      const last = `${first}&after=${await lastCursor(server, data, sort)}`
      const times = await timesOf(server, data, [first, last], bench.plan.quick ? 100 : 200)
      const of = (which: number) => median(times.filter((_, index) => index % 2 === which))
      rows.push([sort, short(of(0)), short(of(1)), short(of(1) / of(0))])
      bars.push(atMost(1.5, of(1) / of(0), `sort=${sort}: last page ≤ 1.5 × first`, '×'))
    }
    return { tables: [{ header: ['sort', 'first page ms', 'last page ms', '×'], rows }], bars, notes: [] }
  },
}

export const catalogCases = [exportCase, summaryCase, pageCase]

/** The cursor before the last hundred items of an order, which are the first of the reversed order. */
async function lastCursor(server: RunningServer, data: Dataset, sort: Sort): Promise<string> {
  const opposite = (sort.startsWith('-') ? sort.slice(1) : `-${sort}`) as Sort
  const { after } = await ask(server, data, `/items?limit=101&sort=${opposite}`)
  return encodeCursor(sort, decodeCursor(opposite, after))
}

/** Milliseconds of each request in `times` rounds over `paths`, after a few warm-up requests. */
async function timesOf(server: RunningServer, data: Dataset, paths: string[], times: number): Promise<number[]> {
  const measured: number[] = []
  for (let round = -3; round < times; round++) {
    for (const path of paths) {
      const start = performance.now()
      const { status } = await ask(server, data, path)
      if (status !== 200) throw new Error(`${path} returned ${status}`)
      if (round >= 0) measured.push(performance.now() - start)
    }
  }
  return measured
}

const agent = new Agent({ keepAlive: true, maxSockets: 1 })

interface Answer {
  status: number
  /** The cursor of the next page, empty if there is none. */
  after: string
}

function ask({ port }: RunningServer, { token }: Dataset, path: string): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const headers = { authorization: `Bearer ${token}` }
  get({ host: '127.0.0.1', port, path, headers, agent }, (answer) => {
    const { statusCode: status = 0, headers: received } = answer
    answer.resume().on('end', () => resolve({ status, after: String(received['x-next-after'] ?? '') }))
  }).on('error', reject)
  return promise
}
