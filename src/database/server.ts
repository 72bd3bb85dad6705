import type { ClientConfig } from 'pg'

/** `host` is a host name, or the directory of a Unix socket. */
export interface Server {
  host: string
  port: number
  user: string
  password?: string | undefined
  database: string
}

const connectTimeoutMs = 5_000

/** Without startup options, which poolers reject: the schema is set by statements. */
export function clientConfig(server: Server): ClientConfig {
  return {
    ...server,
    application_name: 'stockroom',
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
  }
}
