import type { ClientConfig } from 'pg'

/** How to reach a PostgreSQL: by TCP, or by the folder of its Unix socket as `host`. */
export interface Server {
  host: string
  port: number
  user: string
  password?: string | undefined
  database: string
}

/** Milliseconds. */
const connectTimeout = 5_000

/** The settings of a plain pg client for `server`, its tables in `schema`. */
export function clientConfig(server: Server, schema: string): ClientConfig {
  return {
    ...server,
    application_name: 'stockroom',
    connectionTimeoutMillis: connectTimeout,
    keepAlive: true,
    // Poolers refuse start-up options, so only who asks for a schema sends one.
    ...(schema === 'public' ? {} : { options: `-c search_path=${schema}` }),
  }
}
