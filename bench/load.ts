import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { exists, firstLine, run } from './commands.ts'

export interface Load {
  url: string
  connections: number
  seconds: number
  /** A file of lines "number of a token" "path". */
  targets: string
  tokens: string
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** At random, or each once. */
  order?: 'random' | 'once'
  contentType?: string
  /** `{n}` in it is replaced by a random number of three digits. */
  body?: string
  /** Also measures latency by status, with one thread per connection. */
  watched?: boolean
}

/** Times are in milliseconds. */
export interface Times {
  count: number
  p50: number
  p99: number
  max: number
}

export interface Outcome {
  requests: number
  seconds: number
  p50: number
  p99: number
  /** Responses with a status of 400 or above. */
  refused: number
  /** Failed connections and timeouts. */
  broken: number
  /** Of a watched load: 503 responses, others, and 503 responses without Retry-After. */
  shed: Times
  served: Times
  withoutRetryAfter: number
}

const wrk = exists('wrk')

export async function apply(load: Load, signal: AbortSignal): Promise<Outcome> {
  const output = wrk ? await run('wrk', wrkArguments(load), signal) : await runAutocannon(load, signal)
  const line = output.split('\n').find((candidate) => candidate.startsWith('{'))
  if (line === undefined) throw new Error(`the load generator says nothing:\n${output}`)
  return JSON.parse(line) as Outcome
}

export async function generator(): Promise<string> {
  if (wrk) return (await firstLine('wrk', ['-v'])).replace(/ Copyright.*/, '')
  const { version } = JSON.parse(readFileSync(new URL(import.meta.resolve('autocannon/package.json')), 'utf8'))
  return `autocannon ${version}`
}

function wrkArguments(load: Load): string[] {
  const threads = load.watched ? load.connections : 1
  const counts = ['-t', threads, '-c', load.connections, '-d', Math.ceil(load.seconds), '--timeout', '30s'].map(String)
  return [...counts, '-s', path('requests.lua'), load.url, '--', ...describe(load)]
}

function runAutocannon(load: Load, signal: AbortSignal): Promise<string> {
  const counts = [load.url, load.connections, load.seconds].map(String)
  return run(process.execPath, [path('autocannon.ts'), ...counts, ...describe(load)], signal)
}

function describe({ targets, tokens, method, order = 'random', contentType = '', body = '', watched }: Load): string[] {
  return [targets, tokens, method, order, contentType, body, watched ? 'watched' : '']
}

function path(name: string): string {
  return fileURLToPath(new URL(`load/${name}`, import.meta.url))
}
