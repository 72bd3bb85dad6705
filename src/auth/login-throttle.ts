import { createHash } from 'node:crypto'

import type { FastifyReply } from 'fastify'

import { openSemaphore } from '../concurrency/semaphore.ts'
import { disconnectionOf } from '../http/disconnection.ts'
import { normalizeEmail } from '../http/email-address.ts'
import { type Code, Problem } from '../problems.ts'
import type { HashCaller } from './passwords.ts'
import { type RateLimit, rateLimited } from './rate-limits.ts'

/** Who tries to log in: from which network, by which name. A reset code names nobody. */
export interface Attempt {
  network: string
  username?: string
}

export interface LoginThrottle {
  /**
   * Runs `logIn` unless too many logins from this network have failed of late, or too many were made at all. Tells the client in
   * the headers of `reply` how many more may fail.
   *
   * @throws Problem too_many_logins; too_busy if too many logins of this account run already; and whatever `logIn` throws
   */
  guard<T>(attempt: Attempt, reply: FastifyReply, logIn: (caller: HashCaller) => Promise<T>): Promise<T>
}

export interface LoginLimits {
  /** Failed logins of a network, and of an account wherever they come from. */
  perAddress: RateLimit | undefined
  perAccount: RateLimit | undefined
  /** All logins of a network. */
  inAll: RateLimit | undefined
}

/** What a wrong password or reset code is answered with. */
const guesses = new Set<Code>(['invalid_credentials', 'wrong_password', 'invalid_reset_code'])

/** What a failed login weighs on its address when the account is over its own limit. */
const weight = 10

/** Of one account 4 logins run at a time and 16 wait; `LIMIT_CONCURRENCY` bounds those of all accounts. */
const accountGate = { permits: 4 * 1024, maxQueue: 16 * 1024, share: 1 / 1024, timeout: 15_000 }

/**
 * Limits the failed logins of an address, and those of an account wherever they come from.
 *
 * Over its limit an account is not closed, or any stranger could lock its owner out: a right password still gets in from an
 * address that is not limited itself. But a wrong one, answered 429, weighs ten times on its address, so that each of many
 * addresses that guess together has a tenth of the tries. An account that nobody has is counted as well, so that
 * the answer does not tell which there are.
 */
export function openLoginThrottle({ perAddress, perAccount, inAll }: LoginLimits): LoginThrottle {
  const accounts = openSemaphore(accountGate)
  return {
    async guard({ network, username }, reply, logIn) {
      const key = username === undefined ? network : account(username)
      const countFailures = async (points: number) => {
        const standing = await perAddress?.consume(network, points)
        reply.headers(standing?.headers ?? {})
        return standing
      }
      const all = await inAll?.consume(network)
      if (all?.exceeded) throw rateLimited('logins', 'Too many logins from this address', all)
      // Counted first and taken back, or many at once would all be let in.
      const standing = await countFailures(1)
      if (standing?.exceeded) throw rateLimited('logins', 'Too many failed logins from this address', standing)
      try {
        const signal = disconnectionOf(reply)
        const result = await accounts.run(() => logIn({ party: network, signal }), key, signal)
        await countFailures(-1)
        return result
      } catch (error) {
        if (!(error instanceof Problem) || !guesses.has(error.code)) {
          await countFailures(-1)
          throw error
        }
        if (username === undefined) throw error
        const attacked = await perAccount?.consume(key)
        if (!attacked?.exceeded) throw error
        await countFailures(weight - 1)
        throw rateLimited(
          'logins',
          'Wrong email address or password; too many recent failures for this account',
          attacked,
        )
      }
    },
  }
}

/** The key of an account, which keeps its e-mail address out of Redis. */
function account(username: string): string {
  const folded = (normalizeEmail(username) ?? username).toLowerCase()
  return createHash('sha256').update(folded).digest('base64url')
}
