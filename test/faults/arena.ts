import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Server } from '../../src/database/server.ts'
import { onServer } from '../support/app.ts'
import { sendRequest, openConnection, type RequestOptions } from '../support/http-client.ts'
import { openOwnPostgres } from '../support/postgres.ts'
import { type Service, signInAt, startService } from '../support/service.ts'
import type { Fault, Site } from './fault.ts'
import { settingsFor } from './service.ts'
import { durable } from './stage.ts'

/** One process of the service with its own PostgreSQL, a manager whose requests are measured, and one who attacks. */
export interface Arena {
  site: Site
  service: Service
  port: number
  server: Server
  /** The headers of the measured manager and of the attacker. */
  victim: { authorization: string }
  attacker: { authorization: string; email: string; id: string }
}

/** An attack on the service while other clients must be served. */
export interface Attack {
  name: string
  title: string
  /** Concurrent attackers. */
  clients: number
  settings?: Record<string, string>
  /** Items in the table. */
  items?: number
  /** The requests of the measured manager; by default an item by ID. */
  question?: (arena: Arena) => RequestOptions
  /** Attacks until `over` is aborted. */
  attack(arena: Arena, clients: number, over: AbortSignal): Promise<unknown>
}

/** Milliseconds of the measurement, and the maximum for a single response. */
const measured = 4_000
const longest = 5_000
/** Limits of the 99th percentile: its ratio to the one without an attack, and a minimum in ms below which it always passes. */
const factor = 5
const leastPercentile = 20
/** MiB of the process, and connections to PostgreSQL: the pool of 15, the probe, and those of the arena. */
export const mostMemory = 700
const mostBackends = 20

/** Makes a fault of an attack: others are served as before, with bounded memory and connections to PostgreSQL. */
export function attackFault({ name, title, clients, settings = {}, items = 1, question, attack }: Attack): Fault {
  return {
    name,
    title,
    times: clients,
    async run(site, times) {
      const arena = await openArena(site, settings, items)
      const asked = question?.(arena) ?? (await anItem(arena))
      const calm = percentile(await serveOthers(arena, asked))
      const over = new AbortController()
      const attacking = attack(arena, times, over.signal)
      await sleep(500)
      const peaks = watchPeaks(arena)
      const during = percentile(await serveOthers(arena, asked))
      over.abort()
      await attacking
      const { memory, backends } = await peaks()
      judge(site, { calm, during, memory, backends })
      return `p99 of the others ${calm} ms without and ${during} ms during it, at most ${memory} MiB and ${backends} backends`
    },
  }
}

interface Seen {
  calm: number
  during: number
  memory: number
  backends: number
}

function judge({ tally }: Site, { calm, during, memory, backends }: Seen): void {
  const most = factor * Math.max(calm, leastPercentile)
  if (during > most) tally.wrong.push(`the 99th percentile of the others was ${during} ms, and ${calm} ms without it`)
  if (memory > mostMemory) tally.wrong.push(`the process took ${memory} MiB`)
  if (backends > mostBackends) tally.wrong.push(`PostgreSQL had ${backends} backends`)
}

async function openArena(site: Site, settings: Record<string, string>, items: number): Promise<Arena> {
  const { server } = await openOwnPostgres(site, durable)
  const service = await startService(site, { ...settingsFor(server), ...settings })
  const victim = await signInAt(service.url, 'ada@example.com')
  const email = 'eve@example.com'
  const { authorization } = await signInAt(service.url, email)
  const { sub: id } = JSON.parse(Buffer.from(authorization.split('.')[1] ?? '', 'base64url').toString())
  await onServer(
    server,
    `insert into items (id, name, category, price_usd, in_stock, store_manager_id)
    select ('019a6f2b-7c1e-7b3a-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'Item ' || n,
      (array['Grocery', 'Pet', 'Apparel'])[1 + n % 3], n % 500, n % 7 > 0,
      (select id from store_managers where email = case when n % 2 = 0 then 'ada@example.com' else $2 end)
    from generate_series(1, $1::int) as n`,
    [items, email],
  )
  await onServer(server, 'analyze items')
  return {
    site,
    service,
    port: Number(new URL(service.url).port),
    server,
    victim,
    attacker: { authorization, email, id },
  }
}

async function anItem({ service, victim, server }: Arena): Promise<RequestOptions> {
  const { rows } = await onServer(server, 'select id from items limit 1')
  return { url: `${service.url}/items/${rows[0].id}`, headers: victim }
}

/** @returns the milliseconds of each response */
async function serveOthers({ site: { tally } }: Arena, question: RequestOptions): Promise<number[]> {
  const times: number[] = []
  const agent = openConnection()
  const begun = performance.now()
  while (performance.now() - begun < measured) {
    tally.requests++
    const asked = performance.now()
    const status = await sendRequest({ ...question, agent }).then(
      (answer) => answer.status,
      (error: Error) => error.message,
    )
    const took = performance.now() - asked
    times.push(took)
    if (status !== 200) tally.wrong.push(`another got ${status}`)
    if (took > longest) tally.wrong.push(`a response took ${Math.round(took)} ms`)
    await sleep(5)
  }
  agent.destroy()
  return times
}

function percentile(times: number[]): number {
  const sorted = times.toSorted((one, other) => one - other)
  return Math.round(sorted[Math.floor(sorted.length * 0.99)] ?? 0)
}

/** Polls the memory and the connections. @returns their maxima */
function watchPeaks({ service, server }: Arena): () => Promise<{ memory: number; backends: number }> {
  const seen = { memory: 0, backends: 0 }
  const over = new AbortController()
  const watching = (async () => {
    while (!over.signal.aborted) {
      seen.memory = Math.max(seen.memory, residentMiB(service.pid))
      const { rows } = await onServer(
        server,
        `select count(*)::int from pg_stat_activity where backend_type = 'client backend'`,
      )
      seen.backends = Math.max(seen.backends, rows[0].count)
      await sleep(100)
    }
  })()
  return async () => {
    over.abort()
    await watching
    return seen
  }
}

/** The resident memory of a process. */
export function residentMiB(pid: number): number {
  const [, kibibytes] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Math.round(Number(kibibytes) / 1024)
}
