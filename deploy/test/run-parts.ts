import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { run } from 'node:test'
import { spec, type TestEvent } from 'node:test/reporters'
import { setTimeout as sleep } from 'node:timers/promises'

import { globalSetup } from '../../test/support/global-setup.ts'
import { findProgram } from '../../test/support/programs.ts'
import { removeContainers } from './container.ts'
import { type Part, parts } from './parts.ts'

/** Of one test, in milliseconds: building the image downloads packages. */
const timeout = 15 * 60_000

interface Outcome {
  name: string
  result: 'passed' | 'failed' | 'skipped'
  seconds: number
}

/** Why a part cannot run here. */
function obstacle({ programs, needsRoot }: Part): string | undefined {
  const missing = programs.filter((name) => findProgram([name]) === undefined)
  if (missing.length > 0) return `${missing.join(', ')} missing: scripts/setup.sh --deploy installs what is needed`
  return needsRoot && process.getuid?.() !== 0 ? 'only root can run it' : undefined
}

async function runPart(part: Part, pattern: string): Promise<Outcome> {
  const { name, title, file } = part
  const reason = obstacle(part)
  if (reason !== undefined) {
    print(name, reason)
    return { name, result: process.env['CI'] ? 'failed' : 'skipped', seconds: 0 }
  }
  print(name, title)
  const begunAt = performance.now()
  const events: TestEvent[] = []
  let isOk = false
  const options = { files: [file], concurrency: 1, timeout, execArgv: ['--test-force-exit'] }
  for await (const event of run({ ...options, ...(pattern !== '' && { testNamePatterns: [pattern] }) })) {
    events.push(event)
    const { type, data } = event
    if (type === 'test:pass' || type === 'test:fail')
      print(name, `${type === 'test:pass' ? '✔' : '✖'} ${data.name} (${seconds(data.details.duration_ms)} s)`)
    if (type === 'test:fail') print(name, `  ${String(data.details.error.cause)}`)
    if (type === 'test:diagnostic' && data.file !== undefined) print(name, `  ${data.message}`)
    if (type === 'test:summary') isOk = data.success
  }
  if (!isOk) for await (const text of Readable.from(events).compose(spec)) process.stdout.write(text)
  const outcome = { name, result: isOk ? 'passed' : 'failed', seconds: seconds(performance.now() - begunAt) } as const
  print(name, `${outcome.result} in ${outcome.seconds} s`)
  return outcome
}

function seconds(ms: number): number {
  return Math.round(ms / 1000)
}

function print(name: string, text: string): void {
  process.stdout.write(`${String(seconds(performance.now())).padStart(4)} s  ${name.padEnd(10)}  ${text}\n`)
}

const [names = '', pattern = ''] = process.argv.slice(2)
const chosen = parts.filter(({ name }) => names === '' || names.split(',').includes(name))
const waiting = [...chosen]
const outcomes: Outcome[] = []
process.env['NODE_COMPILE_CACHE'] = join(tmpdir(), 'compiled')
if (chosen.some((part) => part.programs.includes('podman') && obstacle(part) === undefined)) await removeContainers()
await globalSetup()
/** Parts wait for the one that they have to follow, if it was chosen. */
const isFree = ({ after }: Part) => {
  const awaited = after.find((each) => chosen.some(({ name }) => name === each))
  return awaited === undefined || outcomes.some(({ name }) => name === awaited)
}
const runWaiting = async () => {
  while (waiting.length > 0) {
    const index = waiting.findIndex(isFree)
    if (index < 0) await sleep(500)
    else for (const part of waiting.splice(index, 1)) outcomes.push(await runPart(part, pattern))
  }
}
await Promise.all(Array.from({ length: availableParallelism() }, runWaiting))
process.stdout.write('\n')
for (const { name, result, seconds: took } of outcomes)
  process.stdout.write(`${name.padEnd(10)}  ${result.padEnd(7)}  ${String(took).padStart(4)} s\n`)
const isOk = outcomes.every(({ result }) => result !== 'failed')
process.stdout.write(`${'all'.padEnd(10)}  ${isOk ? 'passed ' : 'failed '}  ${seconds(performance.now())} s\n`)
// PostgreSQL and Redis end with the PID namespace.
process.exit(isOk ? 0 : 1)
