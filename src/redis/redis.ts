import type { Logger } from 'pino'

import { throttle } from '../concurrency/throttle.ts'
import type { Config } from '../config/config.ts'
import { type Counter, type Metrics, openMetrics } from '../observability/metrics/metrics.ts'
import { storeUnavailable } from '../problems.ts'
import { StartupError } from '../startup-error.ts'
import { type Client, connect, firstFailure } from './client.ts'

export type { Client }

/** What commands are for: the copy of revocations, or the counters of rate limits. */
type Use = (typeof uses)[number]

export interface Redis {
  /** @throws Problem store_unavailable after a second, and then immediately until Redis has responded again */
  run<T>(use: Use, command: (client: Client) => Promise<T>): Promise<T>
  close(): Promise<void>
}

const commandTimeoutMs = 1_000
const warningIntervalMs = 10_000

/** Never queues commands, and reconnects by itself. @throws StartupError if Redis refuses the certificate or the credentials */
export async function openRedis(
  options: NonNullable<Config['redis']>,
  log: Logger,
  metrics: Metrics = openMetrics(),
): Promise<Redis> {
  const { client, connecting, close } = connect(options)
  let isStarting = true
  let startFailure: unknown
  let reported = false
  /** Whether the last command failed. A client that follows sentinels stays ready while there is no Redis. */
  let isFailing = false
  client.on('error', (err: unknown) => {
    // One of several sentinels may be down.
    if (options.sentinel && client.isReady && !String(err).includes('Master Client')) return
    // A refusal ends the start, with one line.
    if (isStarting) startFailure = err
    else if (!reported && client.isOpen) log.warn({ err }, 'Redis connection lost')
    reported = true
  })
  client.on('ready', () => {
    if (reported) log.info('Redis connection restored')
    reported = false
    isFailing = false
  })
  const refusal = await firstFailure(client, connecting, options)
  if (refusal !== undefined) {
    await close()
    throw new StartupError(refusal)
  }
  isStarting = false
  if (!client.isReady) log.warn({ err: startFailure }, 'Redis is not available; starting without it')

  let isUnresponsive = false
  metrics.read({ name: 'stockroom_redis_up', help: 'Whether Redis is in use.', type: 'gauge', merge: 'min' }, () => [
    { value: client.isReady && !isFailing ? 1 : 0 },
  ])
  const fallbacks = countFallbacks(metrics)
  const warn = throttle(warningIntervalMs, (_calls, err) =>
    log.warn({ err }, 'Redis is not responding; continuing without it'),
  )
  return {
    async run(use, command) {
      if (isUnresponsive) {
        fallbacks[use].unresponsive.add()
        throw storeUnavailable('Redis', new Error('no reply to an earlier command'))
      }
      const reply = command(client)
      try {
        const value = await withTimeout(commandTimeoutMs, reply)
        isFailing = false
        return value
      } catch (error) {
        isUnresponsive = true
        isFailing = true
        fallbacks[use][reasonOf(error, client.isReady)].add()
        if (client.isReady) warn(error)
        void reply.catch(() => {}).then(() => (isUnresponsive = false))
        throw storeUnavailable('Redis', error)
      }
    },
    close,
  }
}

const uses = ['copy', 'limits'] as const
const reasons = ['disconnected', 'unresponsive', 'readonly', 'crossslot', 'error'] as const
type Reason = (typeof reasons)[number]

function countFallbacks(metrics: Metrics): Record<Use, Record<Reason, Counter>> {
  const help = 'Commands without which the service continued.'
  const counter = (use: Use, reason: Reason) =>
    metrics.counter('stockroom_redis_fallbacks_total', help, { use, reason })
  const byReason = (use: Use) => Object.fromEntries(reasons.map((reason) => [reason, counter(use, reason)]))
  return Object.fromEntries(uses.map((use) => [use, byReason(use)])) as Record<Use, Record<Reason, Counter>>
}

function reasonOf(error: unknown, isReady: boolean): Reason {
  const { message } = error as Error
  if (!isReady) return 'disconnected'
  if (message.startsWith('no reply')) return 'unresponsive'
  if (message.startsWith('READONLY')) return 'readonly'
  return message.startsWith('CROSSSLOT') ? 'crossslot' : 'error'
}

// The client's own timeout ends when a command is written, so it does not cover a stopped server.
async function withTimeout<T>(milliseconds: number, reply: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no reply within ${milliseconds} ms`)), milliseconds)
  })
  try {
    return await Promise.race([reply, timeout])
  } finally {
    clearTimeout(timer)
  }
}
