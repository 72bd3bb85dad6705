import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { findPrograms } from '../../src/database/embedded/binaries.ts'
import type { Fault, Tally } from './fault.ts'

/** What one fault showed. */
export interface Row {
  fault: Fault
  times: number
  tally: Tally
  /** The promises that were broken, in words. */
  broken: string[]
  seconds: number
  note: string
}

const here = fileURLToPath(new URL('.', import.meta.url))
const run = promisify(execFile)

const header = [
  'fault',
  'how often',
  'requests',
  'of them 503',
  'cut off',
  'wrong answers',
  'lost writes',
  'revoked tokens accepted',
  'valid tokens refused',
  'longest recovery, ms',
]

/** Finds out what it runs on. */
export async function openReport() {
  const machine = await describeMachine()
  return {
    table: (rows: Row[]) => [table(rows), ...notes(rows)].join('\n\n'),
    async write(rows: Row[]) {
      const minutes = (rows.reduce((sum, { seconds }) => sum + seconds, 0) / 60).toFixed(1)
      const parts = [
        '# What was done to it, and what broke',
        `\`npm run faults\`, ${new Date().toISOString().slice(0, 10)}, ${minutes} minutes.`,
        machine.map((line) => `- ${line}`).join('\n'),
        explanation,
        table(rows),
        ...notes(rows),
      ]
      const file = join(here, 'REPORT.md')
      await writeFile(file, `${parts.join('\n\n')}\n`)
      // It is kept in the repository, where every file is in one format.
      await run(join(here, '../../node_modules/.bin/oxfmt'), [file])
    },
  }
}

const explanation = `Several processes of the service share one PostgreSQL (fsync on) and one Redis, under a steady load over HTTP: reads with valid
and with logged-out tokens, logouts, and items created, changed, read elsewhere and deleted. «Wrong» is every answer that is
neither right nor 503, and every request without an answer, unless the fault is that the service itself is killed («cut off»).
«Lost» is every write that was answered and is not there afterwards, or half there. «Recovery» is the time from the return of
the store to the end of the last request that was answered 503 or took over a second; of Redis, to the first logout that is
copied there again.`

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
      ? [`- \`${fault.name}\` **broke ${broken.length}**, first: ${broken[0]?.slice(0, 300)}`]
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
