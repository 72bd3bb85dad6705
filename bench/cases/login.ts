import { writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import bcrypt from 'bcrypt'

import type { Bench, Case } from '../bench.ts'
import { password } from '../dataset.ts'
import { apply, type Outcome } from '../load.ts'
import { alternate, type Candidate, failures, medianOf, p99, rate, settle, throughputTable } from '../measure.ts'
import { atLeast, atMost, median, short } from '../report.ts'
import type { RunningServer } from '../servers.ts'
import { reader } from './read.ts'

const connections = 64
const logins = 16

/** A flood of logins during reads. */
export const loginCase: Case = {
  name: 'login',
  title: `GET /items/{id}, ${connections} connections, during a flood of logins from ${logins}`,
  seconds: ({ fewRounds, seconds, quick }) => (quick ? 10 : 4 * fewRounds * (seconds + 3) + 12),
  async run(bench) {
    const { quick, fewRounds, seconds } = bench.plan
    const data = await bench.datasets.of(bench.plan.rows)
    const floods: Outcome[] = []
    const candidates: Candidate[] = []
    for (const kind of quick ? (['stockroom'] as const) : (['stockroom', 'usual'] as const)) {
      const reads = await reader(bench, kind, data, connections)
      const server = await bench.servers.shared(kind, data)
      const keep = kind === 'stockroom' ? floods : []
      candidates.push(reads, { name: `${kind}, logins`, measure: (time) => flooded(bench, server, reads, time, keep) })
    }
    const measured = await alternate(bench, candidates, { rounds: fewRounds, seconds, warm: 0 })

    bench.progress.step('logins alone')
    const alone = await flood(bench, await bench.servers.shared('stockroom', data), quick ? 3 : 6)
    const possible = ((availableParallelism() - 1) * 1000) / (await timeOfHash())
    const ratio = (kind: string, figure: typeof rate) =>
      medianOf(measured, `${kind}, logins`, figure) / medianOf(measured, kind, figure)
    return {
      tables: [throughputTable(measured, [])],
      bars: [
        atLeast(0.5, ratio('stockroom', rate), 'reads ≥ 0.5 × without the flood', '×'),
        atMost(3, ratio('stockroom', p99), 'p99 of reads ≤ 3 × without the flood', '×'),
        atLeast(0.8, succeeded(alone) / possible, 'logins alone ≥ 0.8 × bcrypt alone on all cores but one', '×'),
      ],
      notes: [
        ...(quick
          ? []
          : [
              `\`usual\` keeps ${short(ratio('usual', rate))} × of its reads, its p99 is ${short(ratio('usual', p99))} ×.`,
            ]),
        `Logins a second: ${short(succeeded(alone))} alone, ${short(median(floods.map(succeeded)))} during the reads; ` +
          `bcrypt alone on ${availableParallelism() - 1} core: ${short(possible)}. ` +
          `Logins refused: ${[alone, ...floods].reduce((sum, { refused }) => sum + refused, 0)}.`,
        ...failures(measured),
      ],
    }
  },
}

/** Reads during logins. A flood begins before the reads and ends after them. */
async function flooded(bench: Bench, server: RunningServer, reads: Candidate, seconds: number, outcomes: Outcome[]) {
  const flooding = flood(bench, server, seconds + 1)
  flooding.catch(() => {})
  await sleep(500)
  const sample = await reads.measure(seconds)
  outcomes.push(await flooding)
  await settle(bench, server)
  return sample
}

async function flood({ folder, datasets, signal }: Bench, { url }: RunningServer, seconds: number): Promise<Outcome> {
  const targets = join(folder, 'targets-login')
  await writeFile(targets, '1 /store-managers/token')
  const body = new URLSearchParams({ username: 'manager0@example.com', password }).toString()
  const form = { contentType: 'application/x-www-form-urlencoded', body }
  return apply({ url, connections: logins, seconds, targets, tokens: datasets.tokens, method: 'POST', ...form }, signal)
}

function succeeded({ requests, refused, seconds }: Outcome): number {
  return (requests - refused) / seconds
}

/** Milliseconds of one bcrypt comparison on an idle machine. */
async function timeOfHash(): Promise<number> {
  const hash = await bcrypt.hash(password, 12)
  const times: number[] = []
  for (let attempt = 0; attempt < 3; attempt++) {
    const start = performance.now()
    await bcrypt.compare(password, hash)
    times.push(performance.now() - start)
  }
  return median(times)
}
