import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Server } from '../../src/database/server.ts'
import { onServer } from '../support/app.ts'
import { sendRequest, openConnection } from '../support/http-client.ts'
import { openOwnPostgres } from '../support/postgres.ts'
import type { Fault, Site } from './fault.ts'
import { openReplicas, type Replica, settingsFor } from './service.ts'
import { durable } from './stage.ts'

/** The longest time of posting before something is killed, and of a retry, in milliseconds. */
const longestRound = 150
const timeout = 20_000
const posters = 6

/** Alternates between kills of the process, of its connections to PostgreSQL, and of the client's connection. */
export const retried: Fault = {
  name: 'retries',
  title: 'Idempotency-Key: kill -9 of the service or of a connection at a random moment, then a retry',
  times: 200,
  async run(site, times) {
    const { server } = await openOwnPostgres(site, durable)
    const replicas = await openReplicas(
      site,
      [1, 2, 3].map(() => settingsFor(server)),
    )
    const [survivor, ...victims] = replicas.all as [Replica, Replica, Replica]
    const keys = openKeys(site, await replicas.newToken())
    const kills = [endProcess, () => terminateBackends(server), cutConnections]
    let left = times
    let cut = 0
    const killInTurn = async (victim: Replica) => {
      while (left-- > 0) {
        if (left % 10 === 0) site.step(`${times - left} of ${times}`)
        const kill = kills[left % kills.length] ?? endProcess
        const unanswered = await postUntil(keys, victim, kill)
        cut += unanswered.length
        await Promise.all(unanswered.map((key) => keys.retry(survivor.url, key)))
      }
    }
    await Promise.all(victims.map(killInTurn))
    if (cut === 0) site.tally.wrong.push('no request was ever cut off')
    await compare(site, server, keys.responses)
    return `${cut} requests were cut off and sent again with their keys; ${keys.made()} of those had already created their item`
  },
}

type Kill = (victim: Replica, agents: { destroy(): void }[]) => Promise<unknown>

const endProcess: Kill = async (victim) => {
  await victim.end('SIGKILL')
  await victim.start()
}

const cutConnections: Kill = async (_victim, agents) => agents.forEach((agent) => agent.destroy())

function terminateBackends(server: Server) {
  return onServer(
    server,
    `select pg_terminate_backend(pid) from (select distinct pid from pg_locks where relation = 'items'::regclass
       and pid <> pg_backend_pid()) writing`,
  )
}

/** Posts to `victim` until `kill` has happened at a random moment. @returns the keys that did not get 201 */
async function postUntil(keys: Keys, victim: Replica, kill: Kill): Promise<string[]> {
  const agents = Array.from({ length: posters }, openConnection)
  const unanswered: string[] = []
  const over = new AbortController()
  const posting = agents.map(async (agent) => {
    while (!over.signal.aborted) {
      const key = randomUUID()
      if (await keys.post(victim.url, key, agent)) continue
      unanswered.push(key)
      break
    }
  })
  await sleep(Math.random() * longestRound)
  const killing = kill(victim, agents)
  over.abort()
  await Promise.all([killing, ...posting])
  for (const agent of agents) agent.destroy()
  return unanswered
}

type Keys = ReturnType<typeof openKeys>

function openKeys({ tally }: Site, token: string) {
  /** The IDs in the responses for each key. */
  const responses = new Map<string, Set<string>>()
  let replayed = 0

  /** @returns whether it got 201 */
  const post = async (url: string, key: string, agent = openConnection()): Promise<boolean> => {
    const headers = { authorization: `Bearer ${token}`, 'idempotency-key': key }
    const body = { name: key, category: 'Grocery', price_usd: 4.99, in_stock: true }
    const ids = responses.get(key) ?? new Set()
    responses.set(key, ids)
    tally.requests++
    const answer = await sendRequest({ method: 'POST', url: `${url}/items`, headers, body, agent }).catch(
      () => undefined,
    )
    if (answer === undefined) tally.unanswered++
    else if (answer.status === 503 || answer.status === 409) tally.unavailable++
    else if (answer.status !== 201) tally.wrong.push(`POST got ${answer.status}: ${answer.body}`)
    if (answer?.status !== 201) return false
    if (answer.headers['idempotency-replayed']) replayed++
    ids.add(JSON.parse(answer.body).id)
    return true
  }

  return {
    responses,
    post,
    made: () => replayed,
    async retry(url: string, key: string) {
      const agent = openConnection()
      for (const since = performance.now(); !(await post(url, key, agent)); await sleep(10)) {
        if (performance.now() - since < timeout) continue
        tally.wrong.push(`a retry did not get 201 in ${timeout} ms`)
        break
      }
      agent.destroy()
    },
  }
}

/** Each key has exactly one item, the one that every response named. */
async function compare({ tally }: Site, server: Server, responses: Map<string, Set<string>>): Promise<void> {
  const { rows } = await onServer(server, 'select name as key, array_agg(id::text) as ids from items group by name')
  const stored = new Map(rows.map(({ key, ids }: { key: string; ids: string[] }) => [key, ids]))
  for (const [key, ids] of responses) {
    const made = stored.get(key) ?? []
    if (made.length === 0) tally.lost.push(`no item of key ${key} is there`)
    if (made.length > 1) tally.wrong.push(`key ${key} has made ${made.length} items`)
    if (ids.size !== 1 || !ids.isSubsetOf(new Set(made))) tally.wrong.push(`key ${key} got ${ids.size} ids`)
  }
}
