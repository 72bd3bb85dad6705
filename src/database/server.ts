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

export function clientConfig(server: Server, schema: string): ClientConfig {
  return {
    ...server,
    application_name: 'stockroom',
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    // Poolers reject startup options, so one is sent only if it is needed.
    ...(schema === 'public' ? {} : { options: `-c search_path=${schema}` }),
  }
}
