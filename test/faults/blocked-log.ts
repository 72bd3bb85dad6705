import { setTimeout as sleep } from 'node:timers/promises'

import { sendRequest, openConnection } from '../support/http-client.ts'
import { openOwnPostgres } from '../support/postgres.ts'
import { type Service, signInAt, startService } from '../support/service.ts'
import { until } from '../support/until.ts'
import { mostMemory, residentMiB } from './arena.ts'
import type { Fault, Site } from './fault.ts'
import { settingsFor } from './service.ts'
import { durable } from './stage.ts'

const clients = 50

/** Milliseconds allowed for a response, and for the shutdown. */
const longestResponse = 5_000
const longestEnd = 15_000

/** Characters that the process may buffer for its log, the pipe included. */
const mostKept = 9 * 2 ** 20

/** The longest lines of a rejected token are those of its request and its event, with the whole user agent. */
const agent = 'a'.repeat(200)

/** Each line is written or counted as dropped, and SIGTERM ends the process even while the pipe is full. */
export const logBlocked: Fault = {
  name: 'log-blocked',
  title: 'Log: the reader stops reading under load, one process',
  times: 30_000,
  async run(site, times) {
    const { server } = await openOwnPostgres(site, durable)
    const service = await startService(site, settingsFor(server))
    const valid = await signInAt(service.url, 'ada@example.com')
    await until(() => service.output().includes('login_succeeded'))

    const before = service.output().length
    service.log.pause()
    site.step('the reader has stopped')
    const { lines, memory } = await ask(site, service, valid, times)
    service.log.resume()
    site.step('the reader continues')
    const seen = await readLines(site, service, before, lines)
    judge(site, { ...seen, memory })

    service.log.pause()
    await ask(site, service, valid, times / 10)
    site.step('SIGTERM, while the reader has stopped')
    const code = await Promise.race([service.end('SIGTERM'), sleep(longestEnd, 'nothing in time', { ref: false })])
    if (code !== 0) site.tally.wrong.push(`SIGTERM was followed by ${code}`)
    return `${seen.dropped} of ${lines} lines were dropped, at most ${memory} MiB`
  },
}

interface Seen {
  /** Characters that were written when the reader continued. */
  kept: number
  dropped: number
  /** Peak memory of the process in MiB. */
  memory: number
}

function judge({ tally }: Site, { kept, dropped, memory }: Seen): void {
  if (dropped === 0) tally.wrong.push('no line was dropped, so the pipe was never full')
  if (kept > mostKept) tally.wrong.push(`${kept} characters were kept for the log`)
  if (memory > mostMemory) tally.wrong.push(`the process took ${memory} MiB`)
}

/** Sends `times` requests, half of them with a rejected token. @returns the number of log lines */
async function ask({ tally }: Site, { url, pid }: Service, valid: { authorization: string }, times: number) {
  let left = times
  let lines = 0
  let memory = 0
  const send = async (connection = openConnection()) => {
    while (left > 0) {
      const isValid = left-- % 2 === 0
      const headers = { 'user-agent': agent, ...(isValid ? valid : { authorization: `Bearer ${agent}` }) }
      tally.requests++
      const asked = performance.now()
      const status = await sendRequest({ url: `${url}/store-managers/me`, headers, agent: connection }).then(
        (response) => response.status,
        (error: Error) => error.message,
      )
      const took = performance.now() - asked
      if (status !== (isValid ? 200 : 401)) tally.wrong.push(`a request got ${status}`)
      if (took > longestResponse) tally.wrong.push(`a response took ${Math.round(took)} ms`)
      // If it hangs once, it hangs again.
      if (typeof status === 'string') break
      lines += isValid ? 1 : 2
      memory = Math.max(memory, residentMiB(pid))
    }
    connection.destroy()
  }
  await Promise.all(Array.from({ length: clients }, () => send()))
  return { lines, memory }
}

/** Waits for `expected` lines, and counts those that are missing without having been dropped. */
async function readLines({ tally }: Site, { output }: Service, before: number, expected: number) {
  const look = () => {
    const text = output().slice(before)
    const counts = [...text.matchAll(/"dropped":(\d+)/g)].map(([, count]) => Number(count))
    const dropped = counts.reduce((sum, count) => sum + count, 0)
    const written = text.split('\n').length - 1 - counts.length
    return { kept: text.length, dropped, missing: expected - written - dropped }
  }
  await until(() => look().missing <= 0).catch(() => {})
  const seen = look()
  if (seen.missing > 0) tally.wrong.push(`${seen.missing} lines were neither written nor counted as dropped`)
  return seen
}
