import { setTimeout as sleep } from 'node:timers/promises'

import { type ReceivedResponse, sendRequest, openConnection, type RequestOptions } from '../support/http-client.ts'
import type { Tally } from './fault.ts'
import { openLedger, type Row } from './ledger.ts'
import type { Replicas } from './service.ts'

/** Called when a store goes down, and when it is back. */
export interface Outage {
  gone(): void
  back(): void
}

export interface Load {
  /** Keeps every replica busy during `fault` and for a moment after, then compares the items with the responses. */
  during(fault: (outage: Outage) => Promise<unknown>): Promise<void>
}

interface Options {
  tally: Tally
  /** Whether the fault is one of the service, so that connections break. */
  mayBreak?: boolean
  /** The names and prices of all items, by id. */
  stored: () => Promise<Map<string, Row>>
}

/** Milliseconds. */
const aftermath = 2_500
const slow = 1_000
const pauses = { reader: 10, writer: 10, leaver: 100 }

/**
 * A steady load: on each replica readers with valid and with revoked tokens, one client that logs out and checks whether every
 * replica knows, and one that creates, changes, and deletes items and reads them elsewhere.
 */
export async function openLoad(replicas: Replicas, { tally, mayBreak = false, stored }: Options): Promise<Load> {
  const urls = replicas.all.map(({ url }) => url)
  const valid = await Promise.all(Array.from({ length: 5 }, () => replicas.newToken()))
  const loggedOut: string[] = []
  let returnedAt: number | undefined
  let over = new AbortController()

  const note = (since: number, isRight: boolean) => {
    const now = performance.now()
    if (returnedAt === undefined || now < returnedAt || (isRight && now - since < slow)) return
    tally.recovery = Math.max(tally.recovery ?? 0, now - returnedAt)
  }
  /** @returns the response if it has the expected status */
  const expect = async (
    status: number,
    token: string,
    question: RequestOptions,
  ): Promise<ReceivedResponse | undefined> => {
    tally.requests++
    const since = performance.now()
    try {
      const headers = { authorization: `Bearer ${token}`, ...question.headers }
      const answer = await sendRequest({ ...question, headers })
      note(since, answer.status === status)
      if (answer.status === status) return answer
      const isUnavailable = answer.status === 503 && answer.body.includes('"code":"store_unavailable"')
      if (isUnavailable) tally.unavailable++
      else if (status === 401 && answer.status < 500) tally.revokedAccepted++
      else if (answer.status === 401) tally.validRefused++
      else tally.wrong.push(`${question.method ?? 'GET'} got ${answer.status}: ${answer.body}`)
    } catch (error) {
      note(since, false)
      // A request on a refused connection was never sent.
      if (mayBreak && (error as NodeJS.ErrnoException).code === 'ECONNREFUSED') tally.requests--
      else if (mayBreak) tally.unanswered++
      else tally.wrong.push(`${question.method ?? 'GET'} got no response: ${(error as Error).message}`)
    }
    return undefined
  }
  const ledger = openLedger(tally, expect)

  const read = async (url: string, agent = openConnection()) => {
    for (let turn = 0; !over.signal.aborted; turn++) {
      await expect(200, valid[turn % valid.length] ?? '', { url: `${url}/store-managers/me`, agent })
      const ended = loggedOut[Math.floor(Math.random() * loggedOut.length)]
      if (ended) await expect(401, ended, { url: `${url}/items/${nowhere}`, agent })
      await sleep(pauses.reader)
    }
    agent.destroy()
  }
  const leave = async (url: string, agent = openConnection()) => {
    while (!over.signal.aborted) {
      const token = await replicas.newToken()
      if (await expect(200, token, { url: `${url}/store-managers/logout`, agent })) {
        loggedOut.push(token)
        await Promise.all(urls.map((other) => expect(401, token, { url: `${other}/items/${nowhere}` })))
      }
      await sleep(pauses.leaver)
    }
    agent.destroy()
  }
  const write = async (url: string, elsewhere: string, agent = openConnection()) => {
    while (!over.signal.aborted) {
      await ledger.writeOne(url, elsewhere, valid[0] ?? '', agent)
      await sleep(pauses.writer)
    }
    agent.destroy()
  }
  /** Every token that was logged out at any time is rejected everywhere. */
  const checkAll = async (url: string) => {
    const agent = openConnection()
    for (const token of loggedOut) await expect(401, token, { url: `${url}/items/${nowhere}`, agent })
    agent.destroy()
  }

  return {
    async during(fault) {
      over = new AbortController()
      const work = urls.flatMap((url, index) => {
        const elsewhere = urls[(index + 1) % urls.length] ?? url
        return [read(url), read(url), leave(url), write(url, elsewhere)]
      })
      try {
        await sleep(300)
        await fault({
          gone: () => (returnedAt = undefined),
          back: () => {
            returnedAt = performance.now()
            tally.recovery ??= 0
          },
        })
        await sleep(aftermath)
      } finally {
        over.abort()
        await Promise.all(work)
      }
      returnedAt = undefined
      await Promise.all(urls.map(checkAll))
      ledger.compare(await stored())
    },
  }
}

/** An ID that no item has. */
const nowhere = '00000000-0000-7000-8000-000000000000'
