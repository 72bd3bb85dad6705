import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

import { sql } from 'kysely'

import type { Database } from '../../src/database/database.ts'
import { listen, onServer } from './app.ts'
import { header, type Importing, lines, openImporting } from './imports.ts'
import { until } from './until.ts'

/** More than fit into the memory of a spool. */
export const manyRows = 45_000

export interface Listening extends Importing {
  port: number
  /** The processes of PostgreSQL that serve the application. */
  pids: Set<number>
  /** Waits until the bodies of so many imports are being read. */
  isReading(imports?: number): Promise<void>
}

/** An application to import into that listens, so that a body can be sent bit by bit. */
export async function openListening(t: TestContext, env: Record<string, string> = {}): Promise<Listening> {
  const app = await openImporting(t, env)
  const { pool } = app.context
  const pids = new Set<number>()
  const borrow = pool.acquire.bind(pool)
  t.mock.method(pool, 'acquire', async (signal?: AbortSignal) => {
    const borrowed = await borrow(signal)
    pids.add((borrowed.client as unknown as { processID: number }).processID)
    return borrowed
  })
  const { mock } = t.mock.method(app.context.connections, 'exemptFromTimeout')
  const isReading = (imports = 1) => until(() => mock.callCount() >= imports)
  return { ...app, pids, isReading, port: await listen(app.app) }
}

interface Start {
  path?: string
  type?: string
  /** Of the body, which comes in chunks if there is none. */
  length?: number
  token?: string
  more?: string
}

/** Sends the head of a request, and leaves the body to be written. */
export async function begin(t: TestContext, app: Listening, start: Start): Promise<Socket> {
  const { path = '/items/import', type = 'text/csv', length, token = app.ada.token, more = '' } = start
  const size = length === undefined ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`
  const bearer = token === '' ? '' : `Authorization: Bearer ${token}\r\n`
  const socket = connect({ host: '127.0.0.1', port: app.port })
  t.after(() => socket.destroy())
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.write(`POST ${path} HTTP/1.1\r\nHost: a\r\n${bearer}Content-Type: ${type}\r\n${size}\r\n${more}\r\n`)
  return socket
}

export async function responseOf(socket: Socket): Promise<string> {
  const [answer] = await once(socket, 'data', { signal: AbortSignal.timeout(30_000) })
  return String(answer)
}

export function chunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`
}

export function rows(count: number): string {
  return lines(header, ...Array.from({ length: count }, (_, n) => `Item ${n},Pet,1,true`))
}

/** The temporary files that this process has open. They have no name any more. */
export function spools(): string[] {
  const targets = readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      return []
    }
  })
  return targets.filter((target) => /stockroom-import.* \(deleted\)$/.test(target))
}

// What holds the lock below is no import.
const ofImports = "pid = any($1) and state <> 'idle' and query not like 'lock table%'"

/** What the imports that run now ask of PostgreSQL. */
export async function sessions({ server, pids }: Listening): Promise<string[]> {
  const running = `select query from pg_stat_activity where ${ofImports}`
  return (await onServer(server, running, [[...pids]])).rows.map(({ query }) => query.trim())
}

/** Waits until an import writes items. On Citus, it locks those that it may change before. */
export function isWriting(app: Listening): Promise<void> {
  const writes = app.server.isCitus ? /^insert into "|^with selected as \(update/ : /insert into items/
  return until(async () => (await sessions(app)).some((query) => writes.test(query)))
}

/** Ends the processes of PostgreSQL that serve them. */
export function kill({ server, pids }: Listening): Promise<unknown> {
  return onServer(server, `select pg_terminate_backend(pid) from pg_stat_activity where ${ofImports}`, [[...pids]])
}

/** Runs `work` while only its transaction can write items. */
export async function whileLocked(
  { context }: Listening,
  work: (transaction: Database) => Promise<void>,
): Promise<void> {
  await context.db.transaction().execute(async (transaction) => {
    await sql`lock table items in share mode`.execute(transaction)
    await work(transaction)
  })
}
