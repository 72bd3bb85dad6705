import { setTimeout as sleep } from 'node:timers/promises'

import type { TestApp } from './app.ts'

/** What a steady load saw. */
export interface Seen {
  /** Responses that were neither right nor 503, in words. */
  wrong: string[]
  unavailable: number
  /** Logouts that were confirmed. */
  loggedOut: number
  /** The longest time that a response took, in milliseconds. */
  slowest: number
}

/** A manager's tokens, tried on several apps. */
export interface Load {
  /** Uses valid tokens and logged-out ones on every app while `fault` happens and for a moment after; logs others out unless told not to. */
  during(fault: () => Promise<unknown>, logOuts?: boolean): Promise<Seen>
  /** Logs a token out on the app, and returns it. */
  logOut(app: TestApp): Promise<string>
  /** The status of the response of `app` to a read with the token. */
  statusAt(app: TestApp, token: string): Promise<number>
}

/** Milliseconds that the load continues after a fault. */
const aftermath = 500

export async function openLoad(apps: [TestApp, ...TestApp[]]): Promise<Load> {
  const { context, signIn } = apps[0]
  const { id } = await signIn('ada@example.com')
  const newToken = async () => (await context.tokens.sign({ id, token_generation: 0 })).token
  const valid = await Promise.all(Array.from({ length: 5 }, newToken))
  const ended: string[] = []

  const send = async (app: TestApp, url: string, token: string) =>
    (await app.send({ url, headers: { authorization: `Bearer ${token}` } })).statusCode
  const statusAt = (app: TestApp, token: string) => send(app, '/items', token)
  const logOut = async (app: TestApp) => {
    const token = await newToken()
    const status = await send(app, '/store-managers/logout', token)
    if (status !== 200) throw new Error(`a logout got ${status}`)
    ended.push(token)
    return token
  }
  for (const app of apps) for (let count = 0; count < 5; count++) await logOut(app)

  return {
    logOut,
    statusAt,
    async during(fault, logOuts = true) {
      const seen: Seen = { wrong: [], unavailable: 0, loggedOut: 0, slowest: 0 }
      const expect = async (expected: number, what: string, ask: () => Promise<number>) => {
        const since = performance.now()
        const status = await ask()
        seen.slowest = Math.max(seen.slowest, performance.now() - since)
        if (status === 503) seen.unavailable++
        else if (status !== expected) seen.wrong.push(`${what}: ${status}`)
        return status
      }
      const end = new AbortController()
      const use = async (app: TestApp) => {
        for (let turn = 0; !end.signal.aborted; turn++) {
          await expect(200, 'valid', () => statusAt(app, valid[turn % valid.length] ?? ''))
          await expect(401, 'logged out', () => statusAt(app, ended[turn % ended.length] ?? ''))
          await sleep(2)
        }
      }
      const leave = async (app: TestApp) => {
        while (!end.signal.aborted) {
          const token = await newToken()
          const status = await expect(200, 'logout', () => send(app, '/store-managers/logout', token))
          if (status !== 200) continue
          seen.loggedOut++
          ended.push(token)
          await Promise.all(apps.map((other) => expect(401, 'just logged out', () => statusAt(other, token))))
          await sleep(20)
        }
      }
      const load = Promise.all(apps.flatMap((app) => (logOuts ? [use(app), leave(app)] : [use(app)])))
      try {
        await fault()
        await sleep(aftermath)
      } finally {
        end.abort()
      }
      await load
      // Whatever was logged out at any time is refused everywhere.
      for (const token of ended) {
        await Promise.all(apps.map((app) => expect(401, 'logged out long ago', () => statusAt(app, token))))
      }
      return seen
    },
  }
}
