import { once } from 'node:events'

import { createClient } from '@redis/client'
import type { Logger } from 'pino'

import { throttle } from './concurrency/throttle.ts'
import type { Config } from './config/config.ts'
import { storeUnavailable } from './problems.ts'

export type Client = ReturnType<typeof connect>

export interface Redis {
  /** @throws Problem store_unavailable if Redis is away, or slower than a second; at once until it has answered again */
  run<T>(command: (client: Client) => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** Milliseconds. */
const commandTimeout = 1_000
const silence = 5_000
const betweenWarnings = 10_000

/** Opens a Redis connection that never queues a command and comes back by itself. If Redis is away, it goes on without. */
export async function openRedis(options: NonNullable<Config['redis']>, log: Logger): Promise<Redis> {
  const client = connect(options)
  let reported = false
  client.on('error', (error: Error) => {
    if (!reported && client.isOpen) log.warn({ err: error }, 'Redis connection lost')
    reported = true
  })
  client.on('ready', () => {
    if (reported) log.info('Redis connection restored')
    reported = false
  })
  // It goes on trying for ever, so what ends the wait is that it is ready or that it has failed for the first time.
  const connecting = client.connect()
  connecting.catch(() => {})
  await Promise.race([connecting, once(client, 'error')])

  let silent = false
  const warn = throttle(betweenWarnings, (_calls, err) =>
    log.warn({ err }, 'Redis is not responding; continuing without it'),
  )
  return {
    async run(command) {
      if (silent) throw storeUnavailable('Redis', new Error('no reply to an earlier command'))
      const reply = command(client)
      try {
        return await within(commandTimeout, reply)
      } catch (error) {
        silent = true
        if (client.isReady) warn(error)
        void reply.catch(() => {}).then(() => (silent = false))
        throw storeUnavailable('Redis', error)
      }
    },
    async close() {
      client.destroy()
    },
  }
}

function connect({ host, port, database, password }: NonNullable<Config['redis']>) {
  return createClient({
    ...(password !== undefined && { password }),
    database,
    // A command that waits for a connection would hang its request.
    disableOfflineQueue: true,
    // Without these a connection whose host is gone without a word would stay until TCP gives up.
    pingInterval: 1_000,
    socket: {
      host,
      port,
      connectTimeout: 2_000,
      socketTimeout: silence,
      reconnectStrategy: (retries: number) => Math.min(50 * 2 ** retries, 1_000),
    },
  })
}

// The client's own time-out ends with the writing of a command, so it does not cover a stopped server.
async function within<T>(milliseconds: number, reply: Promise<T>): Promise<T> {
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
