import { once } from 'node:events'

import { createClient } from '@redis/client'
import type { Logger } from 'pino'

import { throttle } from './concurrency/throttle.ts'
import type { Config } from './config/config.ts'
import { storeUnavailable } from './problems.ts'

export type Client = ReturnType<typeof connect>

export interface Redis {
  /** @throws Problem store_unavailable after a second, and then at once until Redis has responded again */
  run<T>(command: (client: Client) => Promise<T>): Promise<T>
  close(): Promise<void>
}

const commandTimeoutMs = 1_000
const socketTimeoutMs = 5_000
const warningIntervalMs = 10_000

/** Never queues commands, and reconnects by itself. */
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
  // It retries forever, so the wait ends when it is ready or has failed once.
  const connecting = client.connect()
  connecting.catch(() => {})
  await Promise.race([connecting, once(client, 'error')])

  let isUnresponsive = false
  const warn = throttle(warningIntervalMs, (_calls, err) =>
    log.warn({ err }, 'Redis is not responding; continuing without it'),
  )
  return {
    async run(command) {
      if (isUnresponsive) throw storeUnavailable('Redis', new Error('no reply to an earlier command'))
      const reply = command(client)
      try {
        return await within(commandTimeoutMs, reply)
      } catch (error) {
        isUnresponsive = true
        if (client.isReady) warn(error)
        void reply.catch(() => {}).then(() => (isUnresponsive = false))
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
    // A queued command would hang its request.
    disableOfflineQueue: true,
    // Without these, a connection whose host has vanished would stay until TCP gives up.
    pingInterval: 1_000,
    socket: {
      host,
      port,
      connectTimeout: 2_000,
      socketTimeout: socketTimeoutMs,
      reconnectStrategy: (retries: number) => Math.min(50 * 2 ** retries, 1_000),
    },
  })
}

// The client's own timeout ends when a command is written, so it does not cover a stopped server.
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
