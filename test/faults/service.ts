import { openTokens } from '../../src/auth/tokens.ts'
import type { Server } from '../../src/database/server.ts'
import { secret } from '../support/app.ts'
import type { Cleanup } from '../support/cleanup.ts'
import { type Service, signInAt, startService } from '../support/service.ts'
import { freePort } from '../support/stores.ts'

/** One of several processes of the service, which restarts at the same address. */
export interface Replica {
  url: string
  start(): Promise<void>
  /** @returns its exit code, or the signal that ended it */
  end(signal: NodeJS.Signals): Promise<number | string>
}

/** Processes of the service on one set of stores, with a manager. */
export interface Replicas {
  all: Replica[]
  /** A new token of the manager. */
  newToken(): Promise<string>
}

/** The settings of a process for these stores. Without `redisPort` it has no Redis. */
export function settingsFor(postgres: Server, redisPort?: number): Record<string, string> {
  return {
    HOST: '127.0.0.1',
    POSTGRES_HOST: postgres.host,
    POSTGRES_PORT: String(postgres.port),
    POSTGRES_USER: postgres.user,
    POSTGRES_DB: postgres.database,
    JWT_SECRET: secret,
    LOGIN_LIMIT_PER_ADDRESS: '0',
    LOGIN_LIMIT_PER_ACCOUNT: '0',
    REGISTRATION_LIMIT_PER_ADDRESS: '0',
    ...(redisPort !== undefined && { REDIS_HOST: '127.0.0.1', REDIS_PORT: String(redisPort) }),
  }
}

export async function openReplicas(t: Cleanup, settings: Record<string, string>[]): Promise<Replicas> {
  const all = await Promise.all(settings.map((env) => openReplica(t, env)))
  const { authorization } = await signInAt(all[0]?.url ?? '', 'ada@example.com')
  const { sub: id } = JSON.parse(Buffer.from(authorization.split('.')[1] ?? '', 'base64url').toString())
  const tokens = openTokens({ secret, algorithm: 'HS256' })
  return { all, newToken: async () => (await tokens.sign({ id, token_generation: 0 })).token }
}

async function openReplica(t: Cleanup, settings: Record<string, string>): Promise<Replica> {
  const env = { ...settings, PORT: String(await freePort()) }
  let service: Service = await startService(t, env)
  // It need not drain any more, which takes a second.
  t.after(() => service.end('SIGKILL'))
  return {
    url: service.url,
    async start() {
      service = await startService(t, env)
    },
    end: (signal) => service.end(signal),
  }
}
