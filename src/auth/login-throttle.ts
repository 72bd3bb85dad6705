import { createHash } from 'node:crypto'

import type { FastifyReply } from 'fastify'

import { openSemaphore } from '../concurrency/semaphore.ts'
import { disconnectionOf } from '../http/disconnection.ts'
import { storedForms } from '../http/email-address.ts'
import type { Metrics } from '../observability/metrics/metrics.ts'
import { watchSemaphore } from '../observability/metrics/watch.ts'
import { type Code, Problem } from '../problems.ts'
import type { HashCaller } from './passwords.ts'
import { type RateLimit, rateLimited } from './rate-limits.ts'

export interface Attempt {
  network: string
  username?: string
}

export interface LoginThrottle {
  /** Runs `logIn`, and sends the remaining attempts in the headers of `reply`. */
  run<T>(attempt: Attempt, reply: FastifyReply, logIn: (caller: HashCaller) => Promise<T>): Promise<T>
}

export interface LoginLimits {
  perAddress: RateLimit | undefined
  perAccount: RateLimit | undefined
  inAll: RateLimit | undefined
}

const credentialErrors = new Set<Code>(['invalid_credentials', 'wrong_password', 'invalid_reset_code'])

const penalty = 10

/** Per account, 4 logins run at a time and 16 wait; `LIMIT_CONCURRENCY` bounds those of all accounts. */
const accountLimits = { permits: 4 * 1024, maxQueue: 16 * 1024, share: 1 / 1024, timeout: 15_000 }

// An account over its limit is not locked, because anyone could lock it then: the right password still works from an address
// that is not limited itself. A wrong one counts tenfold against its address, so many addresses that guess together have few
// attempts each. Unknown accounts are counted as well, so that the response does not reveal which exist.
export function openLoginThrottle({ perAddress, perAccount, inAll }: LoginLimits, metrics: Metrics): LoginThrottle {
  const accounts = watchSemaphore(metrics, 'logins', openSemaphore(accountLimits))
  return {
    async run({ network, username }, reply, logIn) {
      const key = username === undefined ? network : account(username)
      const countFailures = async (points: number) => {
        const state = await perAddress?.consume(network, points)
        reply.headers(state?.headers ?? {})
        return state
      }
      const all = await inAll?.consume(network)
      if (all?.exceeded) throw rateLimited('logins', 'Too many logins from this address', all)
      // Counted first and refunded on success, because concurrent attempts would all pass otherwise.
      const state = await countFailures(1)
      if (state?.exceeded) throw rateLimited('logins', 'Too many failed logins from this address', state)
      try {
        const signal = disconnectionOf(reply)
        const result = await accounts.run(() => logIn({ party: network, signal }), key, signal)
        await countFailures(-1)
        return result
      } catch (error) {
        if (!(error instanceof Problem) || !credentialErrors.has(error.code)) {
          await countFailures(-1)
          throw error
        }
        if (username === undefined) throw error
        const attacked = await perAccount?.consume(key)
        if (!attacked?.exceeded) throw error
        await countFailures(penalty - 1)
        throw rateLimited(
          'logins',
          'Wrong email address or password; too many recent failures for this account',
          attacked,
        )
      }
    },
  }
}

function account(username: string): string {
  // The first form is the same for all spellings that find the account.
  const [form = ''] = storedForms(username)
  return createHash('sha256').update(form.toLowerCase()).digest('base64url')
}
