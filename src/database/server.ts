import { Client, type PoolConfig } from 'pg'

import { type Tls, tlsOptions } from '../tls.ts'
import { BoundClient } from './channel-binding.ts'

/** `host` is a host name, or the directory of a Unix socket. */
export interface Server {
  host: string
  port: number
  user: string
  password?: string | undefined
  database: string
  tls?: Tls | undefined
  channelBinding?: 'prefer' | 'require' | undefined
  connectTimeoutMs?: number | undefined
  applicationName?: string | undefined
  /** Whether its items are a distributed table of Citus. */
  isCitus?: boolean | undefined
}

const defaultConnectTimeoutMs = 5_000

export function openClient(server: Server): Client {
  const { Client: Class = Client } = encryptionOptions(server)
  const client = new Class(clientConfig(server))
  // What fails on a lost connection reports it.
  client.on('error', () => {})
  return client
}

/** Without startup options, which poolers reject: the schema is set by statements. */
export function clientConfig(server: Server): PoolConfig {
  const { host, port, user, password, database } = server
  return {
    host,
    port,
    user,
    password,
    database,
    application_name: server.applicationName ?? 'stockroom',
    connectionTimeoutMillis: server.connectTimeoutMs ?? defaultConnectTimeoutMs,
    keepAlive: true,
    ...encryptionOptions(server),
  }
}

export function encryptionOptions({ tls, channelBinding }: Server) {
  return {
    // Unset, it would be read from the environment.
    ssl: tls === undefined ? false : tlsOptions(tls),
    enableChannelBinding: channelBinding !== undefined,
    ...(channelBinding === 'require' && { Client: BoundClient }),
  }
}
