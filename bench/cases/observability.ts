import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import { RouteMetrics } from '../../src/http/request-metrics.ts'
import { openMetrics } from '../../src/observability/metrics/metrics.ts'
import type { Bench, Case } from '../bench.ts'
import { alternate, failures, ratioOf, type Sample, throughputTable, underLoad } from '../measure.ts'
import { atMost, count, median, short } from '../report.ts'

const serverCpu = ({ cpu: { server } }: Sample) => server

/** By share of sampled requests. */
const traced = { '1 %': '0.01', '100 %': '1' }

export const tracesCase: Case = {
  name: 'traces',
  title: 'Traces, GET /items/{id}, 64 connections',
  seconds: ({ quick, turns }) => 3 * (turns * 1.4 + (quick ? 1 : 4) + 1),
  async run(bench) {
    const { turns, rows, quick } = bench.plan
    const data = await bench.datasets.of(rows)
    await using receiver = await openReceiver()
    const load = async () => ({ connections: 64, method: 'GET' as const, targets: data.targets })
    const open = async (name: string, env: Record<string, string>) => {
      const server = await bench.servers.start('stockroom', data, env)
      return { server, candidate: underLoad(bench, name, server, load) }
    }
    const opened = [await open('without', {})]
    for (const [share, ratio] of Object.entries(traced)) {
      const env = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_TRACES_SAMPLER_ARG: ratio }
      opened.push(await open(share, env))
    }
    const candidates = opened.map(({ candidate }) => candidate)
    const measured = await alternate(bench, candidates, { rounds: turns, seconds: 1, warm: quick ? 1 : 4 })
    await Promise.all(opened.map(({ server }) => server.stop()))
    const cpu = ratioOf(measured, '1 %', 'without', serverCpu)
    const all = ratioOf(measured, '100 %', 'without', serverCpu)
    return {
      tables: [throughputTable(measured, ['without'])],
      bars: [
        atMost(1.03, cpu, '1 % of the requests traced: CPU time of the service per request ≤ 1.03 × without', '×'),
        { bar: 'spans arrive', figure: count(receiver.received()), met: receiver.received() > 0 },
      ],
      notes: [`With all requests traced, a request takes ${short(all)} times the CPU time.`, ...failures(measured)],
    }
  },
}

/** Receives traces in the process of the benchmark, whose CPU time does not count. */
async function openReceiver() {
  let spans = 0
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      spans += Buffer.concat(chunks).toString('latin1').split('"startTimeUnixNano"').length - 1
      response.end('{}')
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received: () => spans,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}

/** Of a request that shares no statement: size, wait, and duration of its batch, its statement, and its wait for a connection. */
const otherObservations = 5

export const metricsCase: Case = {
  name: 'metrics',
  title: 'Metrics of a request',
  seconds: ({ quick }) => (quick ? 1 : 4),
  async run({ plan, progress }: Bench) {
    progress.step('counting')
    const metrics = openMetrics()
    const route = new RouteMetrics(metrics, 'GET', '/items/:id')
    const histograms = Array.from({ length: otherObservations }, (_, n) =>
      metrics.histogram(`other_${n}`, 'Help.', [0.001, 0.005, 0.025, 0.1, 1]),
    )
    const times = plan.quick ? 200_000 : 1_000_000
    const durations = Array.from({ length: 1024 }, (_, n) => (n % 64) / 4)
    const repeat = (work: (ms: number) => void) => {
      for (let n = 0; n < times; n++) work(durations[n & 1023] as number)
    }
    const record = (ms: number) => route.record(200, ms)
    const recordAll = (ms: number) => {
      route.record(200, ms)
      for (const histogram of histograms) histogram.observe(ms / 1_000)
    }
    const rounds = Array.from({ length: plan.turns }, () => ({
      own: cpuNanoseconds(() => repeat(record)) / times,
      all: cpuNanoseconds(() => repeat(recordAll)) / times,
    }))
    const own = rounds.map((round) => round.own)
    const all = rounds.map((round) => round.all)
    return {
      tables: [
        {
          header: ['recorded', 'CPU ns', 'min..max'],
          rows: [line('its route', own), line('its route, and a batch and a statement of its own', all)],
        },
      ],
      bars: [atMost(200, median(all), 'metrics of a request ≤ 200 ns of CPU time', 'ns')],
      notes: [],
    }
  },
}

function cpuNanoseconds(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) * 1_000
}

function line(name: string, values: number[]): string[] {
  return [name, short(median(values)), `${short(Math.min(...values))}..${short(Math.max(...values))}`]
}
