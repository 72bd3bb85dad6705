import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Server } from '../../src/database/server.ts'
import { onServer } from '../support/app.ts'
import { closeAfter } from '../support/cleanup.ts'
import { sendRequest, openConnection, type RequestOptions } from '../support/http-client.ts'
import { openOwnPostgres } from '../support/postgres.ts'
import { type Service, signInAt, startService } from '../support/service.ts'
import type { Fault, Site } from './fault.ts'
import { settingsFor } from './service.ts'
import { durable } from './stage.ts'

/** One process of the service with its own PostgreSQL. */
interface Arena {
  site: Site
  service: Service
  target: Target
}

/** What attackers know of the service: a manager whose requests are measured, and one who attacks. */
export interface Target {
  url: string
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
  question?: (target: Target) => RequestOptions
  /** Done before anything is measured. */
  prepare?: (target: Target) => Promise<unknown>
  /** Attacks until `over` is aborted. */
  attack(target: Target, clients: number, over: AbortSignal): Promise<unknown>
  /** Looks at the stores during the attack. @returns descriptions of what is wrong */
  inspect?: (target: Target) => Promise<string[]>
}

/** The task of `attacker.ts`. */
export interface Order {
  name: string
  target: Target
  clients: number
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
export function attackFault(attack: Attack): Fault {
  const { name, title, clients, settings = {}, items = 1, question } = attack
  return {
    name,
    title,
    times: clients,
    async run(site, times) {
      const arena = await openArena(site, settings, items)
      const { target } = arena
      await attack.prepare?.(target)
      const asked = question?.(target) ?? (await anItem(target))
      const calm = percentile(await serveOthers(site, asked))
      const stopAttack = await startAttack(site, { name, target, clients: times })
      await sleep(500)
      const peaks = watchPeaks(arena)
      const during = percentile(await serveOthers(site, asked))
      site.tally.wrong.push(...((await attack.inspect?.(target)) ?? []))
      await stopAttack()
      const { memory, backends } = await peaks()
      judge(site, { calm, during, memory, backends })
      return `p99 of the others ${calm} ms without and ${during} ms during it, at most ${memory} MiB and ${backends} backends`
    },
  }
}

/** Attacks from another process, or the attackers would delay the clients that are measured here. @returns a function that ends it */
async function startAttack(site: Site, order: Order): Promise<() => Promise<void>> {
  const attackers = fork(new URL('attacker.ts', import.meta.url))
  const ended = once(attackers, 'exit')
  // Ends them, also if the measurement fails.
  const disconnect = () => {
    if (attackers.connected) attackers.disconnect()
  }
  closeAfter(site, disconnect)
  attackers.send(order)
  await Promise.race([once(attackers, 'message'), ended])
  return async () => {
    disconnect()
    const [code] = await ended
    if (code !== 0) throw new Error(`the attackers ended with ${code}`)
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
  const { url } = service
  const attacker = { authorization, email, id }
  return { site, service, target: { url, port: Number(new URL(url).port), server, victim, attacker } }
}

async function anItem({ url, victim, server }: Target): Promise<RequestOptions> {
  const { rows } = await onServer(server, 'select id from items limit 1')
  return { url: `${url}/items/${rows[0].id}`, headers: victim }
}

/** @returns the milliseconds of each response */
async function serveOthers({ tally }: Site, question: RequestOptions): Promise<number[]> {
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
function watchPeaks({ service, target: { server } }: Arena): () => Promise<{ memory: number; backends: number }> {
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
