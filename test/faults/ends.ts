import { setTimeout as sleep } from 'node:timers/promises'

import type { Server } from '../../src/database/server.ts'
import { onServer } from '../support/app.ts'
import { tea } from '../support/fixtures.ts'
import { sendRequest } from '../support/http-client.ts'
import { type Expected, load, openProxy, type Tally as Answers } from '../support/load.ts'
import { openOwnPostgres } from '../support/postgres.ts'
import type { Fault, Site } from './fault.ts'
import { openReplicas, type Replicas, settingsFor } from './service.ts'
import { durable } from './stage.ts'

/** Milliseconds: of load before a process is stopped, and SHUTDOWN_TIMEOUT. */
const warmUp = 1_000
const shutdownTimeout = 10_000

/** Two worker processes on one port, with keep-alive clients. */
export const terminated: Fault = {
  name: 'service-term',
  title: 'Service: SIGTERM under load',
  times: 5,
  async run(site, times) {
    const { server } = await openOwnPostgres(site, durable)
    const replicas = await openReplicas(site, [{ ...settingsFor(server), WEB_CONCURRENCY: '2' }])
    const [service] = replicas.all
    const questions = await openQuestions(replicas, service?.url ?? '')
    let longest = 0
    let made = 1
    for (let time = 1; time <= times; time++) {
      site.step(`${time} of ${times}`)
      const loaded = load(questions, AbortSignal.timeout(2 * shutdownTimeout))
      await sleep(warmUp)
      const asked = performance.now()
      const code = await service?.end('SIGTERM')
      longest = Math.max(longest, performance.now() - asked)
      if (code !== 0) site.tally.wrong.push(`it ended with ${code}`)
      made += take(site, await loaded)
      await service?.start()
    }
    if (longest > shutdownTimeout) site.tally.wrong.push(`it took ${longest} ms to end`)
    await countItems(site, server, made)
    return `the longest shutdown took ${Math.round(longest)} ms`
  },
}

/** Starts a new process and then stops an old one, behind a proxy with readiness checks. */
export const replaced: Fault = {
  name: 'service-replace',
  title: 'Service: rolling restart of two processes behind a proxy',
  times: 6,
  async run(site, times) {
    const { server } = await openOwnPostgres(site, durable)
    const replicas = await openReplicas(
      site,
      [1, 2].map(() => settingsFor(server)),
    )
    const { url, backends } = await openProxy(
      site,
      replicas.all.map((replica) => replica.url),
    )
    const over = new AbortController()
    const loaded = load(await openQuestions(replicas, url), over.signal)
    for (let time = 1; time <= times; time++) {
      site.step(`${time} of ${times}`)
      const fresh = (await openReplicas(site, [settingsFor(server)])).all[0]
      const code = await replicas.all.shift()?.end('SIGTERM')
      if (code !== 0) site.tally.wrong.push(`it ended with ${code}`)
      if (fresh) replicas.all.push(fresh)
      backends.splice(0, backends.length, ...replicas.all.map((replica) => replica.url))
      await sleep(warmUp)
    }
    over.abort()
    await countItems(site, server, 1 + take(site, await loaded))
  },
}

/** Reads of one item, and creations. */
async function openQuestions({ newToken, all }: Replicas, url: string): Promise<Expected[]> {
  const headers = { authorization: `Bearer ${await newToken()}` }
  const post = { method: 'POST', headers, body: tea }
  const { headers: made } = await sendRequest({ ...post, url: `${all[0]?.url}/items` })
  return [
    { url: `${url}${made.location}`, headers, status: 200 },
    { ...post, url: `${url}/items`, status: 201 },
  ]
}

/** @returns how many items got 201 */
function take({ tally }: Site, { succeeded, failures }: Answers): number {
  tally.requests += failures.length
  for (const count of Object.values(succeeded)) tally.requests += count
  tally.wrong.push(...failures)
  return succeeded['POST'] ?? 0
}

/** Whether there are as many items as 201 responses. */
async function countItems({ tally }: Site, server: Server, expected: number): Promise<void> {
  const { rows } = await onServer(server, 'select count(*)::int as count from items')
  for (let there = rows[0].count; there < expected; there++) tally.lost.push(`${there} of ${expected} items are there`)
}
