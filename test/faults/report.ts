import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { findPrograms } from '../../src/database/embedded/binaries.ts'
import type { Fault, Tally } from './fault.ts'

/** The outcome of one fault. */
export interface Row {
  fault: Fault
  times: number
  tally: Tally
  /** Descriptions of broken guarantees. */
  broken: string[]
  seconds: number
  note: string
}

const here = fileURLToPath(new URL('.', import.meta.url))
const run = promisify(execFile)

const header = [
  'fault',
  'repetitions',
  'requests',
  '503',
  'cut off',
  'wrong responses',
  'lost writes',
  'revoked tokens accepted',
  'valid tokens rejected',
  'longest recovery, ms',
]

export async function openReport() {
  const machine = await describeMachine()
  return {
    table: (rows: Row[]) => [table(rows), ...notes(rows)].join('\n\n'),
    async write(rows: Row[], skipped: Fault[]) {
      const file = join(here, 'REPORT.md')
      await writeFile(file, `${describeRun(rows, skipped, machine).join('\n\n')}\n`)
      // The report is committed, and formatted like every file.
      await run(join(here, '../../node_modules/.bin/oxfmt'), [file])
    },
  }
}

/** @returns paragraphs */
export function describeRun(rows: Row[], skipped: Fault[], machine: string[]): string[] {
  const minutes = (rows.reduce((sum, { seconds }) => sum + seconds, 0) / 60).toFixed(1)
  return [
    '# Fault injection results',
    `\`npm run faults\`, ${new Date().toISOString().slice(0, 10)}, ${minutes} minutes.`,
    machine.map((line) => `- ${line}`).join('\n'),
    ...(skipped.length > 0 ? [listSkipped(skipped, rows.length)] : []),
    explanation,
    table(rows),
    ...notes(rows),
  ]
}

function listSkipped(skipped: Fault[], ran: number): string {
  const lines = skipped.map(({ name, missing }) => `- \`${name}\`: ${missing}`)
  return [`**Incomplete:** ${skipped.length} of ${skipped.length + ran} faults were skipped.\n`, ...lines].join('\n')
}

const explanation = `Several processes of the service share one PostgreSQL (fsync on) and one Redis, under a steady HTTP load: reads with valid and
with revoked tokens, logouts, and items that are created, updated, read from another process, and deleted.

- A wrong response is neither right nor 503. A request without a response counts as wrong too, unless the fault kills the
  service itself ("cut off").
- A lost write was confirmed, but is missing or incomplete afterwards.
- Recovery is the time from the return of the store to the end of the last request that got 503 or took over a second. For
  Redis it ends with the first logout that is copied there again.`

function table(rows: Row[]): string {
  const lines = rows.map(({ fault, times, tally }) => [
    `${fault.title} (\`${fault.name}\`)`,
    ...[times, tally.requests, tally.unavailable, tally.unanswered].map(count),
    ...[tally.wrong.length, tally.lost.length, tally.revokedAccepted, tally.validRefused].map(count),
    tally.recovery === undefined ? '–' : count(Math.round(tally.recovery)),
  ])
  const rule = header.map((_, index) => (index === 0 ? '---' : '--:'))
  return [header, rule, ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function notes(rows: Row[]): string[] {
  const lines = rows.flatMap(({ fault, note, broken }) => [
    ...(note === '' ? [] : [`- \`${fault.name}\`: ${note}`]),
    ...(broken.length > 0
      ? [`- \`${fault.name}\` **broke ${broken.length} guarantees**, the first: ${broken[0]?.slice(0, 300)}`]
      : []),
  ])
  return lines.length > 0 ? [lines.join('\n')] : []
}

function count(things: number): string {
  return things.toLocaleString('en')
}

async function describeMachine(): Promise<string[]> {
  const processors = cpus()
  const [postgres, redis] = await Promise.all([
    run(join(await findPrograms(), 'postgres'), ['--version']),
    run('redis-server', ['--version']),
  ])
  const [, postgresVersion = ''] = /(\d+\.\d+)/.exec(postgres.stdout) ?? []
  const [, redisVersion = ''] = /v=(\S+)/.exec(redis.stdout) ?? []
  return [
    `${processors.length} × ${processors[0]?.model.trim() || 'an unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB of memory`,
    `Node ${process.version}, PostgreSQL ${postgresVersion} (fsync on, durable commits), Redis ${redisVersion}`,
  ]
}
