import { LRUCache } from 'lru-cache'

import { Problem } from '../problems.ts'
import type { Redis } from '../redis/redis.ts'

export interface RateLimit {
  consume(key: string, points?: number): Promise<RateLimitState>
}

export interface RateLimitState {
  exceeded: boolean
  seconds: number
  headers: Record<string, string>
}

type Counter = (key: string, points: number) => Promise<[count: number, ms: number]>

const periodSeconds = 15 * 60

const maxKeys = 100_000

/** All processes count together in Redis; while Redis is down, each counts in memory. */
export function openRateLimit(
  name: string,
  points: number,
  keyPrefix: string,
  redis: Redis | undefined,
): RateLimit | undefined {
  if (points === 0) return undefined
  const inMemory = countInMemory()
  const add = redis ? countInRedis(redis, `stockroom:${keyPrefix}:${name}`, inMemory) : inMemory

  return {
    async consume(key, more = 1) {
      const [count, ms] = await add(key, more)
      const seconds = Math.max(1, Math.ceil(ms / 1000))
      const headers = {
        'ratelimit-policy': `"${name}";q=${points};w=${periodSeconds}`,
        ratelimit: `"${name}";r=${Math.max(0, points - count)};t=${seconds}`,
      }
      return { exceeded: count > points, seconds, headers }
    },
  }
}

export function rateLimited(what: 'logins' | 'registrations', reason: string, { seconds }: RateLimitState): Problem {
  const headers = { 'retry-after': String(seconds) }
  return new Problem(`too_many_${what}`, `${reason}. Try again in ${seconds} seconds.`, { headers })
}

function countInMemory(): Counter {
  const period = { ttl: periodSeconds * 1000, noUpdateTTL: true }
  // With `max`, the cache would allocate 4 MiB immediately, for all keys.
  const counts = new LRUCache<string, number>({ maxSize: maxKeys, sizeCalculation: () => 1, ...period })
  return async (key, points) => {
    const count = Math.max(0, (counts.get(key) ?? 0) + points)
    counts.set(key, count)
    return [count, counts.getRemainingTTL(key)]
  }
}

// Atomic, because concurrent refunds could both find 1. After a flush, a refund may find no count.
const addInRedis = `
redis.call('set', KEYS[1], 0, 'EX', ARGV[2], 'NX')
local count = redis.call('incrby', KEYS[1], ARGV[1])
if count < 0 then count = redis.call('incrby', KEYS[1], -count) end
return { count, redis.call('pttl', KEYS[1]) }`

function countInRedis(redis: Redis, prefix: string, otherwise: Counter): Counter {
  return async (key, points) => {
    const options = { keys: [`${prefix}:${key}`], arguments: [String(points), String(periodSeconds)] }
    try {
      return (await redis.run('limits', (client) => client.eval(addInRedis, options))) as [number, number]
    } catch {
      return otherwise(key, points)
    }
  }
}
