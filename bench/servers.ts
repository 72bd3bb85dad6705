import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { get } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { freePort } from '../test/support/stores.ts'
import { bunCommand } from './bun.ts'
import type { Dataset } from './dataset.ts'
import type { Kind } from './kinds.ts'
import { type Stores, storeSettings } from './stores.ts'

export interface RunningServer {
  url: string
  port: number
  pid: number
  /** Milliseconds from its start to its first response with an item. */
  firstResponse: number
  stop(): Promise<void>
}

export interface Servers {
  /** Starts a server on the tables of `data`, which ends with the run at the latest. */
  start(kind: Kind, data: Dataset, env?: Record<string, string>): Promise<RunningServer>
  /** Shared by all cases that request the same server. */
  shared(kind: Kind, data: Dataset, env?: Record<string, string>): Promise<RunningServer>
}

const root = fileURLToPath(new URL('..', import.meta.url))
const elysia = join(root, 'bench/baselines/elysia.js')

/** Milliseconds. */
const startTimeout = 60_000
const stopTimeout = 8_000

/** Starts servers in a folder without a .env file. */
export function openServers(
  stores: Stores,
  folder: string,
  running: AsyncDisposableStack,
  signal: AbortSignal,
  before = '',
): Servers {
  const sharedServers = new Map<string, Promise<RunningServer>>()
  const start: Servers['start'] = async (kind, data, env = {}) => {
    const port = await freePort()
    const [program, ...args] = kind === 'elysia' ? await bunCommand(elysia, signal) : command(kind, before)
    signal.throwIfAborted()
    const begin = performance.now()
    const child = spawn(program, args, {
      cwd: folder,
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...settings(stores, data, port), ...env },
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    const stop = stopper(child)
    running.defer(stop)
    const url = `http://127.0.0.1:${port}`
    await firstResponse(child, url, data, kind)
    return { url, port, pid: child.pid ?? 0, firstResponse: performance.now() - begin, stop }
  }
  const shared: Servers['shared'] = (kind, data, env = {}) => {
    const key = JSON.stringify([kind, data.schema, env])
    const server = sharedServers.get(key) ?? start(kind, data, env)
    sharedServers.set(key, server)
    return server
  }
  return { start, shared }
}

/** The command of `npm start`, with another program for a baseline. */
function command(kind: Kind, before: string): [program: string, ...args: string[]] {
  const folder = kind === 'before' ? before : root
  const { scripts } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const words: string[] = scripts.start.split(' ').filter((word: string) => word !== 'exec' && word !== 'node')
  const baseline = join(root, `bench/baselines/${kind}.ts`)
  const args = words.flatMap((word) => {
    if (word === 'src/main.ts' && kind === 'without-history') return ['--import', baseline, join(folder, word)]
    if (word === 'src/main.ts' && kind !== 'stockroom' && kind !== 'before') return baseline
    return /[/.]/.test(word) && existsSync(join(folder, word)) ? join(folder, word) : word
  })
  const bundled = join(folder, 'node_modules/.bin/node')
  return [kind === 'before' && existsSync(bundled) ? bundled : process.execPath, ...args]
}

/** The settings of every candidate; all others have their defaults. */
function settings(stores: Stores, { schema }: Dataset, port: number): Record<string, string> {
  return { HOST: '127.0.0.1', PORT: String(port), LOG_LEVEL: 'warn', ...storeSettings(stores, schema) }
}

async function firstResponse(child: ChildProcess, url: string, { path, token }: Dataset, kind: Kind): Promise<void> {
  const deadline = Date.now() + startTimeout
  while (Date.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`${kind} ended before it served`)
    const status = await statusOf(`${url}${path}`, token).catch(() => 0)
    if (status === 200) return
    await sleep(5)
  }
  throw new Error(`${kind} did not come up in ${startTimeout / 1000} s`)
}

/** The status of a GET over a new connection. */
export function statusOf(url: string, token: string, path = ''): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const headers = { authorization: `Bearer ${token}` }
  get(`${url}${path}`, { headers, agent: false }, (response) => {
    response.resume()
    response.on('end', () => resolve(response.statusCode ?? 0))
  }).on('error', reject)
  return promise
}

function stopper(child: ChildProcess): () => Promise<void> {
  const ended = once(child, 'exit')
  ended.catch(() => {})
  return async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeout)
    await ended
    clearTimeout(timer)
  }
}
