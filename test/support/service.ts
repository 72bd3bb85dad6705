import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import type { Server } from '../../src/database/server.ts'
import { openSchema, secret } from './app.ts'
import { closeAfter, type Cleanup } from './cleanup.ts'
import { password } from './fixtures.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A service in a process of its own. */
export interface Service {
  url: string
  pid: number
  /** What it has written so far. */
  output(): string
  /** Its standard output, which is read unless it is paused. */
  log: Readable
  /** Sends a signal and waits for the end. @returns the exit code, or the signal that ended it */
  end(signal: NodeJS.Signals): Promise<number | string>
}

/** A new folder, which is removed after the test. */
export async function temporaryFolder(t: Cleanup, name = 'stockroom-'): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), name))
  closeAfter(t, () => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  return folder
}

/** Runs src/main.ts with `env` as its only settings; it is killed after the test if it still runs. */
export function runMain(t: Cleanup, env: Record<string, string>, args: string[] = [], cwd = root) {
  const files = ['--import', join(root, 'scripts/require-node.mjs'), join(root, 'src/main.ts')]
  return run(t, process.execPath, [...files, ...args], env, cwd)
}

/** Runs a command, in the project's folder unless told otherwise. */
export function run(t: Cleanup, command: string, args: string[], env: Record<string, string>, cwd = root) {
  const child = spawn(command, args, {
    cwd,
    env: { ...withoutSettings(), ...env },
    stdio: 'pipe',
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const ended = once(child, 'close').then(([code, signal]): number | string => code ?? signal)
  closeAfter(t, () => kill(child, ended))
  return { child, ended, output: () => output }
}

/** Starts a service on a port of its own and waits until it serves. */
export async function startService(t: Cleanup, env: Record<string, string>): Promise<Service> {
  const { child, ended, output } = runMain(t, { PORT: '0', ALLOWED_HOSTS: '*', ...env })
  const url = await servingAt(output, ended)
  return {
    url,
    pid: child.pid ?? 0,
    output,
    log: child.stdout,
    end(signal) {
      child.kill(signal)
      return ended
    },
  }
}

/** Waits until the output says where the service is. */
export async function servingAt(output: () => string, ended: Promise<unknown>): Promise<string> {
  const failed = ended.then(() => {
    throw new Error(`the service did not come up:\n${output()}`)
  })
  failed.catch(() => {})
  for (;;) {
    const [, url] = /listening on (http:[^"\s]+)/.exec(output()) ?? []
    if (url) return url
    await Promise.race([sleep(20), failed])
  }
}

/** The settings of a service on the PostgreSQL of the tests, in a schema that is migrated or empty. */
export async function realStores(
  t: Cleanup,
  state: 'migrated' | 'empty' = 'migrated',
): Promise<Record<string, string>> {
  const { server, schema } = await openSchema(t, state)
  return settingsOf(server, schema)
}

/** The settings of a service on `schema` of a server. */
export function settingsOf(server: Server, schema: string): Record<string, string> {
  return {
    POSTGRES_HOST: server.host,
    POSTGRES_PORT: String(server.port),
    POSTGRES_USER: server.user,
    POSTGRES_DB: server.database,
    POSTGRES_SCHEMA: schema,
    POSTGRES_PASSWORD: server.password ?? '',
    JWT_SECRET: secret,
  }
}

/** Registers and logs in over the network. @returns the headers that identify the manager */
export async function signInAt(url: string, email: string): Promise<{ authorization: string }> {
  const body = JSON.stringify({ name: 'Ada Lovelace', email, password })
  await fetch(`${url}/store-managers`, { method: 'POST', headers: json, body })
  const form = new URLSearchParams({ username: email, password })
  const token = (await (await fetch(`${url}/store-managers/token`, { method: 'POST', body: form })).json()) as Record<
    string,
    string
  >
  return { authorization: `Bearer ${token['access_token']}` }
}

export const json = { 'content-type': 'application/json' }

/** Whether a process with this id runs. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

async function kill(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 15_000)
  await ended
  clearTimeout(timer)
}

/** The environment less the settings of the service, which the tests themselves may have been given. */
function withoutSettings(): NodeJS.ProcessEnv {
  const ownSettings =
    /^(ALLOWED|POSTGRES|REDIS|JWT|TOKEN|BCRYPT|LOGIN|REGISTRATION|TRUST|ITEM|REQUIRE|AUTO|STARTUP|SHUTDOWN|DRAIN|LIMIT|CORS|HOST|PORT|WEB|DATA|LOG|METRICS|OTEL|ROOT|STOCKROOM|NODE_TEST)/
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ownSettings.test(name)))
}
