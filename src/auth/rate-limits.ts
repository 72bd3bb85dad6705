import { LRUCache } from 'lru-cache'

import { Problem } from '../problems.ts'
import type { Redis } from '../redis.ts'

/** How often each of many keys may do something in 15 minutes. */
export interface RateLimit {
  /** Counts `points` more of `key`. Negative ones take back what was counted before; no key falls below 0. */
  consume(key: string, points?: number): Promise<RateLimitState>
}

/** Where a key stands. */
export interface RateLimitState {
  exceeded: boolean
  /** Seconds until its count starts again at 0. */
  seconds: number
  /** The same for a client to read (draft-ietf-httpapi-ratelimit-headers). */
  headers: Record<string, string>
}

/** Adds to the count of a key. @returns the count, and the milliseconds until it starts again at 0 */
type Counter = (key: string, points: number) => Promise<[count: number, ms: number]>

/** Seconds. */
const period = 15 * 60

/** Keys that a process counts by itself, of about 200 bytes each. */
const mostKeys = 100_000

/**
 * A limit of `points`, which clients know by `name`; none if that is 0. All processes count together in Redis, under keys
 * of `space`; while Redis is down each counts in its memory.
 */
export function openRateLimit(
  name: string,
  points: number,
  space: string,
  redis: Redis | undefined,
): RateLimit | undefined {
  if (points === 0) return undefined
  const inMemory = countInMemory()
  const add = redis ? countInRedis(redis, `stockroom:${space}:${name}`, inMemory) : inMemory

  return {
    async consume(key, more = 1) {
      const [count, ms] = await add(key, more)
      const seconds = Math.max(1, Math.ceil(ms / 1000))
      const headers = {
        'ratelimit-policy': `"${name}";q=${points};w=${period}`,
        ratelimit: `"${name}";r=${Math.max(0, points - count)};t=${seconds}`,
      }
      return { exceeded: count > points, seconds, headers }
    },
  }
}

/** 429 for what exceeds a limit, as `reason` says. */
export function rateLimited(what: 'logins' | 'registrations', reason: string, { seconds }: RateLimitState): Problem {
  const headers = { 'retry-after': String(seconds) }
  return new Problem(`too_many_${what}`, `${reason}. Try again in ${seconds} seconds.`, { headers })
}

function countInMemory(): Counter {
  const counts = new LRUCache<string, number>({ max: mostKeys, ttl: period * 1000, noUpdateTTL: true })
  return async (key, points) => {
    const count = Math.max(0, (counts.get(key) ?? 0) + points)
    counts.set(key, count)
    return [count, counts.getRemainingTTL(key)]
  }
}

// Atomic, or two that take back at once could both find 1. What was counted before a flush may be taken back after it.
const addInRedis = `
redis.call('set', KEYS[1], 0, 'EX', ARGV[2], 'NX')
local count = redis.call('incrby', KEYS[1], ARGV[1])
if count < 0 then count = redis.call('incrby', KEYS[1], -count) end
return { count, redis.call('pttl', KEYS[1]) }`

function countInRedis(redis: Redis, prefix: string, otherwise: Counter): Counter {
  return async (key, points) => {
    const options = { keys: [`${prefix}:${key}`], arguments: [String(points), String(period)] }
    try {
      return (await redis.run((client) => client.eval(addInRedis, options))) as [number, number]
    } catch {
      return otherwise(key, points)
    }
  }
}
