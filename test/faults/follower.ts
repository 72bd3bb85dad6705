import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'

import { type Client, createClient, StockroomError } from '../../src/client/client.ts'
import { send } from '../../src/database/embedded/system.ts'
import type { Server } from '../../src/database/server.ts'
import { onServer } from '../support/app.ts'
import { tea } from '../support/fixtures.ts'
import { type Copy, openCopy } from '../support/follower.ts'
import { openOwnPostgres, type OwnPostgres } from '../support/postgres.ts'
import { openProxy } from '../support/stores.ts'
import type { Fault, Site } from './fault.ts'
import { openReplicas, type Replicas, settingsFor } from './service.ts'
import { durable } from './stage.ts'
import { openStandby, type Standby } from './standby.ts'

/** Rounds per PostgreSQL; in the last one its standby takes over. */
const roundsPerStage = 10
const writers = 8
/** Items that the writers share, so that they often write the same one. */
const sharedItems = 20
/** Milliseconds. */
const shortestCalm = 500
const longestCalm = 1_500
const longestConnection = 1_000
const catchUpLimit = 30_000

export const followed: Fault = {
  name: 'feed-copy',
  title:
    'A follower that reconnects at random keeps a copy, with 8 writers; the service, its connections, and PostgreSQL are killed, and a standby takes over',
  times: 50,
  async run(site, times) {
    let events = 0
    for (let done = 0; done < times; done += roundsPerStage) {
      events += await runStage(site, { done, rounds: Math.min(roundsPerStage, times - done), times })
    }
    return `the follower got ${events} events`
  },
}

interface Stage {
  primary: OwnPostgres
  standby: Standby
  /** Routes the address that the service knows to the standby. */
  moveToStandby(): void
  replicas: Replicas
  clients: Client[]
}

async function runStage(site: Site, { done, rounds, times }: Record<'done' | 'rounds' | 'times', number>) {
  const stage = await openStage(site)
  const follower = openFollower(stage.clients)
  for (let round = 1; round <= rounds; round++) {
    site.step(`${done + round} of ${times}`)
    const over = new AbortController()
    const writing = Array.from({ length: writers }, () => keepWriting(site, stage.clients, over.signal))
    await sleep(calm())
    const isLast = round === rounds
    await (isLast ? failOver(stage) : pick(troubles)(stage))
    await sleep(calm())
    over.abort()
    await Promise.all(writing)
    const server = isLast ? stage.standby.server : stage.primary.server
    const difference = await catchUp(server, () => follower.copy())
    if (difference !== undefined) site.tally.lost.push(`round ${done + round}: ${difference}`)
  }
  site.tally.wrong.push(...(await follower.end()))
  await Promise.all(stage.replicas.all.map((replica) => replica.end('SIGKILL')))
  await stage.primary.stop()
  return follower.events()
}

async function openStage(site: Site): Promise<Stage> {
  const primary = await openOwnPostgres(site, durable)
  const standby = await openStandby(site, primary, durable)
  const socketOf = ({ host, port }: Server) => `${host}/.s.PGSQL.${port}`
  const address = await openProxy(socketOf(primary.server))
  site.after(() => address.close())
  const server = { ...primary.server, host: '127.0.0.1', port: address.port }
  const replicas = await openReplicas(
    site,
    [1, 2].map(() => settingsFor(server)),
  )
  const token = await replicas.newToken()
  return {
    primary,
    standby,
    moveToStandby: () => (address.target = socketOf(standby.server)),
    replicas,
    clients: replicas.all.map(({ url }) => createClient({ baseUrl: url, token, retries: 0 })),
  }
}

const troubles: ((stage: Stage) => Promise<unknown>)[] = [
  async ({ replicas }) => {
    const victim = pick(replicas.all)
    await victim.end('SIGKILL')
    await victim.start()
  },
  ({ primary }) =>
    onServer(
      primary.server,
      `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`,
    ),
  ({ primary }) => primary.restart(),
  ({ primary }) => primary.killBackend(),
]

async function failOver({ primary, standby, moveToStandby }: Stage): Promise<void> {
  for (const pid of await primary.pids()) send(pid, 'SIGKILL')
  moveToStandby()
  await standby.promote()
}

/** Creates, changes, deletes, and imports items, and ignores failures. */
async function keepWriting(site: Site, clients: Client[], over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    site.tally.requests++
    await writeOnce(pick(clients)).catch(async (error: unknown) => {
      if (error instanceof StockroomError && error.status === 503) site.tally.unavailable++
      else if (!(error instanceof StockroomError)) await sleep(20)
      if (error instanceof StockroomError && ![404, 422, 503].includes(error.status))
        site.tally.wrong.push(`a write got ${error.status}: ${error.message}`)
    })
  }
}

async function writeOnce({ items }: Client): Promise<unknown> {
  const price = Math.round(Math.random() * 10_000) / 100
  const { items: shared } = await items.list({ limit: sharedItems })
  const one = shared[Math.floor(Math.random() * shared.length)]
  if (one === undefined || (shared.length < sharedItems && Math.random() < 0.3))
    return items.create({ ...tea, price_usd: price })
  const kind = Math.random()
  if (kind < 0.1) return items.remove(one.id)
  if (kind < 0.3) {
    const rows = shared.slice(0, 5).map((item) => Object.assign(item, { price_usd: price }))
    const file = rows.map((row) => `${JSON.stringify(row)}\n`).join('')
    return items.import(file, { format: 'ndjson', mode: 'upsert', on_error: 'skip' })
  }
  return items.update(one.id, { price_usd: price })
}

/** Follows a random process for a random time, in a loop. */
function openFollower(clients: Client[]) {
  const over = new AbortController()
  let copy = openCopy()
  const violations: string[] = []
  let since = 'beginning'
  let events = 0
  const begin = () => {
    violations.push(...copy.violations)
    copy = openCopy()
    since = 'beginning'
  }
  const followOnce = async (signal: AbortSignal) => {
    for await (const event of pick(clients).changes.follow({ since }, { signal })) {
      copy.apply(event)
      since = event.cursor
      events++
    }
  }
  const following = (async () => {
    while (!over.signal.aborted) {
      const life = AbortSignal.timeout(Math.ceil(Math.random() * longestConnection))
      await followOnce(AbortSignal.any([over.signal, life])).catch((error: unknown) => {
        if (error instanceof StockroomError && error.code === 'cursor_expired') begin()
        else if (error instanceof StockroomError && error.status < 500) violations.push(error.message)
      })
    }
  })()
  return {
    copy: () => copy,
    events: () => events,
    async end() {
      over.abort()
      await following
      return [...violations, ...copy.violations]
    },
  }
}

/** @returns how the copy differs from the items, unless they become equal in time */
async function catchUp(server: Server, copy: () => Copy): Promise<string | undefined> {
  const deadline = Date.now() + catchUpLimit
  for (;;) {
    const stored = await storedItems(server).catch(() => undefined)
    if (stored && isDeepStrictEqual(new Map([...copy().items].toSorted()), stored)) return undefined
    if (Date.now() > deadline) return `the copy has ${copy().items.size} items, the store ${stored?.size}, or others`
    await sleep(100)
  }
}

async function storedItems(server: Server) {
  const { rows } = await onServer(
    server,
    'select id, version::int, name, category, price_usd::float8, in_stock, store_manager_id from items order by id',
  )
  return new Map(rows.map(({ id, version, ...values }) => [id, { version, values }]))
}

function calm(): number {
  return shortestCalm + Math.random() * (longestCalm - shortestCalm)
}

function pick<T>(some: T[]): T {
  return some[Math.floor(Math.random() * some.length)] as T
}
