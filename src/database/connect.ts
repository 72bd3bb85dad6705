import { setTimeout as sleep } from 'node:timers/promises'

import { type Client, DatabaseError } from 'pg'
import type { Logger } from 'pino'

import type { Config } from '../config/config.ts'
import { StartupError } from '../startup-error.ts'
import { isTlsFailure } from '../tls.ts'
import { startEmbedded } from './embedded/embedded.ts'
import { openClient, type Server } from './server.ts'

export interface OpenServer {
  server: Server
  ownerPid: number | undefined
  close: () => Promise<void>
}

export async function openServer({ postgres, dataDir }: Config, log: Logger): Promise<OpenServer> {
  if (postgres) return { server: postgres, ownerPid: undefined, close: async () => {} }
  const embedded = await startEmbedded(dataDir, { log: (message) => log.info(message) })
  return { server: embedded.connection, ownerPid: embedded.ownerPid, close: () => embedded.stop() }
}

export async function waitForServer(
  server: Server,
  timeoutMs: number,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  const deadline = Date.now() + timeoutMs
  const where = `PostgreSQL at ${server.host}:${server.port}`
  for (;;) {
    const error = await tryToConnect(server)
    if (!error) return
    if (error instanceof StartupError) throw error
    if (isTlsFailure(error)) throw new StartupError(`TLS to ${where} failed: ${firstLine(error)}. ${tlsAdvice}`)
    if (!isTransient(error))
      throw new StartupError(
        `${where} refused the connection: ${firstLine(error)}. Check DATABASE_URL or the POSTGRES_* settings.`,
      )
    if (Date.now() >= deadline)
      throw new StartupError(`${where} was not available within ${timeoutMs / 1000} s: ${reason(error)}.`)
    log.info({ host: server.host, port: server.port, reason: reason(error) }, 'waiting for PostgreSQL')
    await sleep(Math.min(1000, deadline - Date.now()), undefined, { signal })
  }
}

async function tryToConnect(server: Server): Promise<Error | undefined> {
  const client = openClient(server)
  try {
    await client.connect()
    return await checkEncoding(client, server)
  } catch (error) {
    return error as Error
  } finally {
    await client.end().catch(() => {})
  }
}

async function checkEncoding(client: Client, { database }: Server): Promise<StartupError | undefined> {
  const { rows } = await client.query<{ encoding: string }>(`select current_setting('server_encoding') as encoding`)
  const encoding = rows[0]?.encoding
  if (encoding === 'UTF8') return undefined
  return new StartupError(
    `The database ${database} has the encoding ${encoding}, but Stockroom needs UTF8. ` +
      'Create a new one: createdb --encoding=UTF8 --template=template0 NAME. Then set POSTGRES_DB.',
  )
}

const tlsAdvice = 'Check POSTGRES_SSLMODE, POSTGRES_SSLROOTCERT, and that the host is named as in its certificate.'

/** Nothing listens yet, or the server is not ready (57P03). pg itself refuses to send a missing password. */
function isTransient(error: Error): boolean {
  if (!(error instanceof DatabaseError)) return !error.message.startsWith('SASL')
  return /^(57P|53|08)/.test(error.code ?? '')
}

/** Messages of OpenSSL have several. */
function firstLine({ message }: Error): string {
  return message.trim().split('\n')[0] ?? ''
}

function reason(error: Error & { code?: string; errors?: Error[] }): string {
  return error.message || error.errors?.map(({ message }) => message).join(', ') || String(error.code)
}
