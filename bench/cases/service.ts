import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Bench, Case } from '../bench.ts'
import { type Dataset, password } from '../dataset.ts'
import { alternate, failures, ratioOf, throughputTable, underLoad } from '../measure.ts'
import { residentMiB } from '../processes.ts'
import type { Bar } from '../report.ts'
import { atLeast, atMost, median, short } from '../report.ts'
import { type RunningServer, statusOf } from '../servers.ts'
import { warmServer } from './read.ts'

/** Milliseconds of idling before the memory of a process is read. */
const pauseMs = 2_000

export const processesCase: Case = {
  name: 'processes',
  title: 'GET /items/{id}, 256 connections, 2 processes',
  seconds: ({ quick, fewTurns }) => 2 * fewTurns * 1.4 + (quick ? 1 : 6),
  async run(bench) {
    const { fewTurns, rows, quick } = bench.plan
    const data = await bench.datasets.of(rows)
    const load = async () => ({ connections: 256, method: 'GET' as const, targets: data.targets })
    const two = await bench.servers.start('stockroom', data, { WEB_CONCURRENCY: '2' })
    const candidates = [
      underLoad(bench, '1 process', await warmServer(bench, 'stockroom', data), load),
      underLoad(bench, '2 processes', two, load),
    ]
    const measured = await alternate(bench, candidates, { rounds: fewTurns, seconds: 1, warm: quick ? 1 : 2 })
    const ratio = ratioOf(measured, '2 processes', '1 process')
    const seen = await logoutIsSeen(two, data)
    await two.stop()
    return {
      tables: [throughputTable(measured, ['1 process'])],
      bars: [atLeast(1.3, ratio, '≥ 1.3 × 1 process', '×'), seen],
      notes: failures(measured),
    }
  },
}

/** Logs in and out, with requests before and after over new connections, which reach both processes. */
async function logoutIsSeen({ url }: RunningServer, { path }: Dataset): Promise<Bar> {
  const body = new URLSearchParams({ username: 'manager0@example.com', password })
  const answer = await fetch(`${url}/store-managers/token`, { method: 'POST', body })
  const { access_token: token } = (await answer.json()) as { access_token: string }
  const ask = () => Promise.all(Array.from({ length: 20 }, () => statusOf(url, token, `${path}?${randomUUID()}`)))
  const before = await ask()
  await statusOf(url, token, '/store-managers/logout')
  const after = await ask()
  const served = before.filter((status) => status === 200)
  const refused = after.filter((status) => status === 401)
  return {
    bar: 'both processes see a logout immediately',
    figure: `before ${served.length} of 20 served, after it ${refused.length} of 20 refused`,
    met: served.length === 20 && refused.length === 20,
  }
}

export const startCase: Case = {
  name: 'start',
  title: 'Start with external stores and a migrated schema',
  seconds: ({ quick }) => (quick ? 1 : 5) * 3.5,
  async run(bench) {
    const data = await bench.datasets.of(bench.plan.rows)
    const starts: { firstResponse: number; memory: number }[] = []
    for (let round = 1; round <= (bench.plan.quick ? 1 : 5); round++) {
      bench.progress.step(`stockroom, start ${round}`)
      starts.push(await start(bench, data))
    }
    const times = starts.map(({ firstResponse }) => firstResponse)
    const memory = starts.map((one) => one.memory)
    return {
      tables: [
        {
          header: ['figure', 'median', 'min..max'],
          rows: [line('start to first response, ms', times), line('resident memory idle, MiB', memory)],
        },
      ],
      bars: [
        atMost(700, median(times), 'start to first response ≤ 700 ms', 'ms'),
        atMost(90, median(memory), 'resident memory idle, one process ≤ 90 MiB', 'MiB'),
      ],
      notes: [],
    }
  },
}

function line(what: string, figures: number[]): string[] {
  return [what, short(median(figures)), `${short(Math.min(...figures))}..${short(Math.max(...figures))}`]
}

async function start(bench: Bench, data: Dataset): Promise<{ firstResponse: number; memory: number }> {
  const server = await bench.servers.start('stockroom', data)
  await sleep(pauseMs, undefined, { signal: bench.signal })
  const memory = residentMiB(server.pid)
  await server.stop()
  return { firstResponse: server.firstResponse, memory }
}
