import { type IRateLimiterOptions, RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible'

import { Problem } from '../problems.ts'
import type { Redis } from '../redis.ts'

/** How often each of many keys may do something in 15 minutes. */
export interface Limit {
  /** Counts `points` more of `key`, or takes as many back if they are negative. */
  count(key: string, points?: number): Promise<Standing>
}

/** Where a key stands. */
export interface Standing {
  exceeded: boolean
  /** Seconds until it may begin anew. */
  seconds: number
  /** The same for a client to read (draft-ietf-httpapi-ratelimit-headers). */
  headers: Record<string, string>
}

type Client = Parameters<Parameters<Redis['run']>[0]>[0]

/** Seconds. */
const period = 15 * 60

/**
 * A limit of `points`, which clients know by `name`; none if that is 0. All processes count together in Redis, under keys
 * of `space`; while it is away each goes on in its memory.
 */
export function openLimit(name: string, points: number, space: string, redis: Redis | undefined): Limit | undefined {
  if (points === 0) return undefined
  const options = { points, duration: period, keyPrefix: `stockroom:${space}:${name}` }
  const memory = new RateLimiterMemory(options)
  const limiter = redis ? countedIn(redis, options, memory) : memory

  return {
    async count(key, more = 1) {
      const { consumedPoints, remainingPoints, msBeforeNext } = await (more < 0
        ? limiter.reward(key, -more)
        : limiter.penalty(key, more))
      const seconds = Math.max(1, Math.ceil(msBeforeNext / 1000))
      const headers = {
        'ratelimit-policy': `"${name}";q=${points};w=${period}`,
        ratelimit: `"${name}";r=${remainingPoints};t=${seconds}`,
      }
      return { exceeded: consumedPoints > points, seconds, headers }
    },
  }
}

/** 429 for what exceeds a limit, as `reason` says. */
export function tooMany(what: 'logins' | 'registrations', reason: string, { seconds }: Standing): Problem {
  const headers = { 'retry-after': String(seconds) }
  return new Problem(`too_many_${what}`, `${reason}: wait ${seconds} seconds.`, { headers })
}

function countedIn(redis: Redis, options: IRateLimiterOptions, insuranceLimiter: RateLimiterMemory): RateLimiterRedis {
  // All that the limiter asks of its client, with our time-out.
  const storeClient = {
    eval: (...command: Parameters<Client['eval']>) => redis.run((client) => client.eval(...command)),
  }
  return new RateLimiterRedis({ ...options, storeClient, useRedisPackage: true, insuranceLimiter })
}
