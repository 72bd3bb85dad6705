import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { available } from '../available.ts'
import type { Bench, Case } from '../bench.ts'
import type { Dataset } from '../dataset.ts'
import { planned } from '../kinds.ts'
import type { Kind } from '../kinds.ts'
import { alternate, failures, ratioOf, type Sample, throughputTable, underLoad } from '../measure.ts'
import type { Plan } from '../options.ts'
import { atMost, count } from '../report.ts'

const kinds: Kind[] = ['stockroom', 'elysia']
const connections = 8
const path = '/items?limit=100&category=Grocery&sort=price_usd'
/** Of `bench/dataset.ts`. */
const tokens = 128

/** CPU of a page with filter and sort, in small and large tables. */
export const pagesCase: Case = {
  name: 'pages',
  title: `GET ${path}, ${connections} connections`,
  seconds: (plan) => sizes(plan).length * planned(plan, kinds).length * (times(plan).rounds * 1.3 + 2.5),
  async run(bench) {
    const parts = []
    for (const rows of sizes(bench.plan)) parts.push(await pagesOf(bench, await bench.datasets.of(rows)))
    return {
      tables: parts.map(({ table }) => table),
      bars: parts.flatMap(({ bars }) => bars),
      notes: [...new Set(parts.flatMap(({ notes }) => notes))],
    }
  },
}

function sizes({ rows, fewRows }: Plan): number[] {
  return [fewRows, rows]
}

function times({ fewTurns }: Plan) {
  return { rounds: fewTurns, seconds: 1, warm: 2 }
}

async function pagesOf(bench: Bench, data: Dataset) {
  const { present, notes } = await available(bench, kinds, data)
  const targets = join(bench.folder, 'targets-pages')
  await writeFile(targets, Array.from({ length: tokens }, (_, index) => `${index + 1} ${path}`).join('\n'))
  const candidates = await Promise.all(
    present.map(async (kind) => {
      const server = await bench.servers.shared(kind, data)
      return underLoad(bench, kind, server, async () => ({ connections, method: 'GET', targets }))
    }),
  )
  const measured = await alternate(bench, candidates, times(bench.plan))
  const rows = count(data.rows)
  const most = (limit: number, who: string, cpu: (sample: Sample) => number) =>
    atMost(limit, ratioOf(measured, 'stockroom', 'elysia', cpu), `${rows} rows: CPU of ${who} ≤ ${limit} × elysia`, '×')
  const table = throughputTable(measured, ['elysia'])
  return {
    table: { ...table, header: [`${rows} rows`, ...table.header.slice(1)] },
    bars: [most(1.3, 'the server', ({ cpu }) => cpu.server), most(1.2, 'PostgreSQL', ({ cpu }) => cpu.postgres)],
    notes: [...notes, ...failures(measured)],
  }
}
