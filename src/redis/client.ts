import { setTimeout as sleep } from 'node:timers/promises'

import { createClient, createSentinel } from '@redis/client'

import type { Config } from '../config/config.ts'
import { isTlsFailure, tlsOptions } from '../tls.ts'

type Options = NonNullable<Config['redis']>

export type Client = ReturnType<typeof openNode>

const retryDelayMs = 1_000

/** Connects in the background, again and again until `close`. `connecting` ends with the first attempt. */
export function connect(options: Options) {
  const client = options.sentinel ? openSentinel(options, options.sentinel) : openNode(options)
  const closing = new AbortController()
  const connecting = client.connect()
  // A node retries by itself; what finds one through sentinels gives up.
  connecting.catch(() => reconnect(client, closing.signal))
  const close = async () => {
    closing.abort()
    if (client.isOpen) await (client.destroy() as Promise<void> | undefined)
  }
  return { client, connecting, close }
}

async function reconnect(client: Client, closing: AbortSignal): Promise<void> {
  while (!closing.aborted && !client.isOpen) {
    await sleep(retryDelayMs, undefined, { ref: false })
    if (!closing.aborted) await client.connect().catch(() => {})
  }
}

/** Waits until `client` is ready or has failed once. @returns why retries are useless, for the operator */
export async function firstFailure(
  client: Client,
  connecting: Promise<unknown>,
  { host, port, sentinel }: Options,
): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  const where = sentinel ? `Redis ${sentinel.master} or its sentinels` : `Redis at ${host}:${port}`
  const judge = (error: unknown) => {
    const refusal = refusalOf(error, where)
    // The next sentinel may respond.
    if (refusal !== undefined || !sentinel) resolve(refusal)
  }
  client.on('error', judge)
  connecting.then(
    () => resolve(undefined),
    (error: unknown) => resolve(refusalOf(error, where)),
  )
  const refusal = await promise
  client.off('error', judge)
  return refusal
}

function refusalOf(error: unknown, where: string): string | undefined {
  // Sentinels report some errors as text, and those of nodes as the cause of another.
  const { cause } = error as Error
  const root = cause instanceof Error ? cause : error instanceof Error ? error : new Error(String(error))
  const [line = ''] = root.message.trim().split('\n')
  if (isTlsFailure(root)) {
    return `TLS to ${where} failed: ${line}. Check REDIS_TLS_CA_FILE, and that the host is named as in its certificate.`
  }
  if (!/\b(?:WRONGPASS|NOAUTH|NOPERM|DB index)\b/.test(line)) return undefined
  return `${where} refused the connection: ${line.replace(/\.$/, '')}. Check REDIS_URL or the REDIS_* settings.`
}

function openNode(options: Options) {
  const { socket, ...others } = nodeOptions(options)
  return createClient({ ...others, socket: { ...socket, host: options.host, port: options.port } })
}

function openSentinel(options: Options, { nodes, master, username, password }: NonNullable<Options['sentinel']>) {
  const { socket, pingInterval } = nodeOptions(options)
  const sentinel = createSentinel({
    name: master,
    sentinelRootNodes: nodes,
    nodeClientOptions: nodeOptions(options),
    sentinelClientOptions: { ...credentials(username, password), pingInterval, socket },
    scanInterval: retryDelayMs,
    maxCommandRediscovers: 1,
    // Commands share the connection, as they do without sentinels.
    reserveClient: true,
    passthroughClientErrorEvents: true,
  })
  return sentinel as unknown as Client
}

function nodeOptions({ database, username, password, tls }: Options) {
  return {
    ...credentials(username, password),
    database,
    // A queued command would hang its request.
    disableOfflineQueue: true,
    // Without these, a connection whose host has vanished would stay until TCP gives up.
    pingInterval: 1_000,
    socket: {
      connectTimeout: 2_000,
      socketTimeout: 5_000,
      reconnectStrategy: (retries: number) => Math.min(50 * 2 ** retries, 1_000),
      ...(tls && { tls: true as const, ...tlsOptions(tls) }),
    },
  }
}

function credentials(username: string | undefined, password: string | undefined) {
  return { ...(username !== undefined && { username }), ...(password !== undefined && { password }) }
}
