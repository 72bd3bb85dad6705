import { readFile, rm } from 'node:fs/promises'
import type { Profiler } from 'node:inspector'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import type { Bench, Case } from '../bench.ts'
import { type Kind, planned } from '../kinds.ts'
import { apply } from '../load.ts'
import { cpuSeconds } from '../processes.ts'
import { short } from '../report.ts'
import type { RunningServer } from '../servers.ts'

const everyKind: Kind[] = ['stockroom', 'before', 'tuned', 'floor']
const profiler = fileURLToPath(new URL('../load/profiler.ts', import.meta.url))
/** Milliseconds in which a profile must have been written. */
const writingTime = 10_000

type Frame = Profiler.ProfileNode['callFrame']

/** The first that matches a function is its group. */
const groups: [name: string, matches: (frame: Frame) => boolean][] = [
  ['waiting', ({ functionName }) => functionName === '(idle)'],
  ['writing to sockets', ({ functionName, url }) => url === '' && functionName.startsWith('write')],
  ['collecting garbage', ({ functionName }) => functionName === '(garbage collector)'],
  ['pg and pg-pool', ({ url }) => /node_modules\/pg(?:-|\/)/.test(url)],
  ['the client of Redis', ({ url }) => /node_modules\/@redis\//.test(url)],
  ['Fastify, its router, and serializers', ({ url }) => /node_modules\/(?:@?fast|find-my-way|ajv)/.test(url)],
  ['other packages', ({ url }) => url.includes('/node_modules/')],
  ['own code', ({ url }) => url.startsWith('file:')],
  ['Node', () => true],
]

/** Where the CPU time of a GET goes: what a missed target is explained by. */
export const profileCase: Case = {
  name: 'profile',
  title: 'Where the CPU time of GET /items/{id} goes, in µs per request',
  seconds(plan) {
    const { loads, seconds, warm } = extent(plan)
    return planned(plan, everyKind).length * (loads.length * (seconds + 1) + warm + 2)
  },
  async run(bench) {
    const { loads, seconds, warm } = extent(bench.plan)
    const columns: { name: string; parts: Map<string, number> }[] = []
    for (const kind of planned(bench.plan, everyKind)) {
      const data = await bench.datasets.of(bench.plan.rows, kind)
      const path = join(bench.folder, `${kind}.cpuprofile`)
      const env = { NODE_OPTIONS: `--import=${profiler}`, BENCH_PROFILE: path }
      const server = await bench.servers.start(kind, data, env)
      const read = (connections: number, duration: number) =>
        apply(
          {
            url: server.url,
            connections,
            seconds: duration,
            targets: data.targets,
            tokens: bench.datasets.tokens,
            method: 'GET',
          },
          bench.signal,
        )
      bench.progress.step(`${kind}, warming up`)
      await read(64, warm)
      for (const connections of loads) {
        bench.progress.step(`${kind}, ${connections}`)
        const parts = await profile(bench, server, path, () => read(connections, seconds))
        columns.push({ name: `${kind}, ${connections}`, parts })
      }
      await server.stop()
    }
    const names = [...groups.map(([name]) => name).filter((name) => name !== 'waiting'), 'in all']
    return {
      tables: [
        {
          header: ['part', ...columns.map(({ name }) => name)],
          rows: names.map((name) => [name].concat(columns.map(({ parts }) => short(parts.get(name) ?? 0)))),
        },
      ],
      bars: [],
      notes: ['By the profiler of V8, which itself takes CPU time, at the number of connections after the name.'],
    }
  },
}

function extent({ quick }: Bench['plan']) {
  return quick ? { loads: [1], seconds: 1, warm: 1 } : { loads: [1, 64], seconds: 3, warm: 4 }
}

/** The CPU microseconds per request of each group, and of the process in all. */
async function profile(
  bench: Bench,
  { pid }: RunningServer,
  path: string,
  load: () => Promise<{ requests: number }>,
): Promise<Map<string, number>> {
  await rm(path, { force: true })
  process.kill(pid, 'SIGUSR2')
  const before = cpuSeconds(pid)
  const { requests } = await load()
  const total = ((cpuSeconds(pid) - before) * 1e6) / requests
  process.kill(pid, 'SIGUSR2')
  const parts = sharesOf(await readProfile(path, bench.signal))
  return new Map([...Array.from(parts, ([name, share]) => [name, share * total] as const), ['in all', total]])
}

async function readProfile(path: string, signal: AbortSignal): Promise<Profiler.Profile> {
  const deadline = performance.now() + writingTime
  for (;;) {
    await sleep(100, undefined, { signal })
    try {
      return JSON.parse(await readFile(path, 'utf8'))
    } catch (error) {
      if (performance.now() > deadline) throw error
    }
  }
}

/** The share of each group in the time that the event loop did not wait. */
function sharesOf({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): Map<string, number> {
  const groupOf = new Map(
    nodes.map(({ id, callFrame }) => [id, groups.find(([, matches]) => matches(callFrame))?.[0] ?? '']),
  )
  const times = new Map<string, number>()
  for (const [index, id] of samples.entries()) {
    const name = groupOf.get(id) ?? ''
    times.set(name, (times.get(name) ?? 0) + (timeDeltas[index] ?? 0))
  }
  times.delete('waiting')
  const busy = [...times.values()].reduce((sum, time) => sum + time, 0)
  return new Map(Array.from(times, ([name, time]) => [name, time / busy]))
}
