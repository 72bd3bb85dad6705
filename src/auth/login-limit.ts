import { isIPv6 } from 'node:net'

import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible'

import { Problem } from '../problems.ts'

export interface LoginLimit {
  /**
   * Runs `logIn` unless too many logins from `address` have failed of late. Only those that are refused count.
   *
   * @throws Problem too_many_logins, and whatever `logIn` throws
   */
  guard<T>(address: string, logIn: () => Promise<T>): Promise<T>
}

/** Seconds in which failures are counted. */
const period = 15 * 60

/** Lets an address fail `points` logins in 15 minutes, counted in this process; 0 lifts the limit. */
export function openLoginLimit(points: number): LoginLimit {
  if (points === 0) return { guard: (_address, logIn) => logIn() }
  const limiter = new RateLimiterMemory({ points, duration: period })

  return {
    async guard(address, logIn) {
      const key = network(address)
      // Counted first and given back, or many at once would all be let in.
      await limiter.consume(key).catch((refusal: RateLimiterRes) => {
        throw tooManyLogins(refusal)
      })
      try {
        const result = await logIn()
        await limiter.reward(key)
        return result
      } catch (error) {
        if (!(error instanceof Problem) || error.code !== 'invalid_credentials') await limiter.reward(key)
        throw error
      }
    },
  }
}

/** What one person holds: an IPv4 address, or the /64 of an IPv6 one. */
function network(address: string): string {
  if (!isIPv6(address)) return address
  const [head = '', tail] = address.split('::')
  const [left, right] = [head, tail].map((part) => (part ? part.split(':') : [])) as [string[], string[]]
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length
  return [...left, ...Array<string>(zeros).fill('0'), ...right].slice(0, 4).join(':')
}

function tooManyLogins({ msBeforeNext }: RateLimiterRes): Problem {
  const seconds = Math.max(1, Math.ceil(msBeforeNext / 1000))
  return new Problem('too_many_logins', `Too many logins have failed from this address: wait ${seconds} seconds.`, {
    headers: { 'retry-after': String(seconds) },
  })
}
