import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

import type { InjectOptions, LightMyRequestResponse } from 'fastify'
import { Client, DatabaseError } from 'pg'
import { pino } from 'pino'

import { buildApp } from '../../src/app.ts'
import { type Config, readConfig } from '../../src/config/config.ts'
import { type Context, openContext } from '../../src/context.ts'
import { clientConfig, type Server } from '../../src/database/server.ts'
import type { App } from '../../src/http/types.ts'
import { redaction } from '../../src/observability/logging.ts'
import { hasCitus } from './citus.ts'
import { closeAfter, type Cleanup } from './cleanup.ts'
import { ada, password } from './fixtures.ts'
import { migratedSchema } from './migrated-schema.ts'

/** Set when a Redis is there to test with; the reason to skip such a test otherwise. */
export const withoutRedis = process.env['REDIS_HOST'] ? false : 'there is no redis-server on this machine'

export const secret = 'a secret of the tests, which is long enough for each of HS256, HS384 and HS512'

type Answer = LightMyRequestResponse
type Send = (url: string, body?: InjectOptions['payload'], headers?: Record<string, string>) => Promise<Answer>

/** A manager who is signed in: what they send carries their token. */
export interface Manager {
  id: string
  email: string
  token: string
  get: Send
  post: Send
  patch: Send
  delete: Send
}

export interface TestApp {
  app: App
  context: Context
  server: Server
  /** What the service has logged so far, a line an entry. */
  log: string[]
  send(options: InjectOptions): Promise<Answer>
  register(email: string, password?: string): Promise<Answer>
  logIn(email: string, password?: string): Promise<Answer>
  /** Registers the manager if need be, and logs in. */
  signIn(email: string): Promise<Manager>
}

const unlimited = { LOGIN_LIMIT_PER_ADDRESS: '0', LOGIN_LIMIT_PER_ACCOUNT: '0', REGISTRATION_LIMIT_PER_ADDRESS: '0' }

const standard = { JWT_SECRET: secret, LOG_LEVEL: 'debug', ALLOWED_HOSTS: '*' }

/** The settings that tests start from: those of the environment, in `schema`. */
export function testConfig(schema: string, env: Record<string, string> = {}): Config {
  const config = readConfig({ ...process.env, ...standard, POSTGRES_SCHEMA: schema, ...env })
  // The least that bcrypt takes, for a cost of 12 would be most of the time of the tests.
  return { ...config, bcryptCost: env['BCRYPT_COST'] === undefined ? 4 : config.bcryptCost }
}

/** An application on a schema of its own, which ends with the test. `env` overrides settings. */
export async function openApp(t: TestContext, env: Record<string, string> = {}): Promise<TestApp> {
  const { server, schema } = await openSchema(t)
  return openAppOn(t, server, testConfig(schema, { ...unlimited, ...env }))
}

/** A schema of its own, which ends with the test: migrated, or with nothing in it. */
export async function openSchema(
  t: Cleanup,
  state: 'migrated' | 'empty' = 'migrated',
): Promise<{ server: Server; schema: string }> {
  const schema = `test_${randomBytes(8).toString('hex')}`
  const { postgres: server } = testConfig(schema)
  if (!server) throw new Error('run the tests with npm test, which starts a PostgreSQL')
  const tables = state === 'migrated' ? `set search_path = ${schema}; ${migratedSchema()}` : ''
  const isCitus = state === 'migrated' && hasCitus
  // Citus locks its catalog in an order that lets concurrent definitions deadlock.
  const turn = hasCitus ? `select pg_advisory_xact_lock(1); ` : ''
  await onServer(server, `${turn}create schema ${schema}; ${tables}`)
  if (isCitus)
    await onServer(server, `${turn}set search_path = ${schema}, public; ${readFileSync('deploy/citus.sql', 'utf8')}`)
  closeAfter(t, () => drop(server, `${turn}drop schema ${schema} cascade`))
  return { server: { ...server, isCitus }, schema }
}

/** Citus also locks tables of other schemas, so it may be in a deadlock with another test. */
async function drop(server: Server, statement: string): Promise<void> {
  await onServer(server, statement).catch((error: unknown) => {
    if (!(hasCitus && error instanceof DatabaseError && error.code === '40P01')) throw error
    return drop(server, statement)
  })
}

/** An application with these settings, which ends with the test. */
export async function openAppOn(t: TestContext, server: Server, config: Config): Promise<TestApp> {
  const log: string[] = []
  const logger = pino({ level: config.logLevel, ...redaction }, { write: (line: string) => void log.push(line) })
  const context = await openContext(config, server, secret, logger)
  const app = await buildApp(context)
  closeAfter(t, async () => {
    const closed = app.close()
    app.server.closeAllConnections()
    await closed
    // Waits for the statements that still run.
    await context.close()
  })
  return { app, context, server, log, ...clientOf(app) }
}

/** @returns the port on which the application listens from now on */
export async function listen(app: App): Promise<number> {
  await app.listen({ host: '127.0.0.1', port: 0 })
  return (app.server.address() as AddressInfo).port
}

/** Runs one statement as who the tests connect as. */
export async function onServer(server: Server, statement: string, values: unknown[] = []) {
  const client = new Client(clientConfig(server))
  // The statement that fails says it again.
  client.on('error', () => {})
  await client.connect()
  try {
    return await client.query(statement, values)
  } finally {
    await client.end()
  }
}

/** A form as a browser sends it, urlencoded. */
export function form(fields: Record<string, string>) {
  return {
    payload: new URLSearchParams(fields).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  }
}

function clientOf(app: App): Pick<TestApp, 'send' | 'register' | 'logIn' | 'signIn'> {
  const send = (options: InjectOptions) => app.inject(options)
  const register = (email: string, plain = password) =>
    send({ method: 'POST', url: '/store-managers', payload: { name: ada.name, email, password: plain } })
  const logIn = (username: string, plain = password) =>
    send({ method: 'POST', url: '/store-managers/token', ...form({ username, password: plain }) })

  const signIn = async (email: string): Promise<Manager> => {
    await register(email)
    const token: string = (await logIn(email)).json().access_token
    const { sub: id } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    const as =
      (method: 'GET' | 'POST' | 'PATCH' | 'DELETE'): Send =>
      (url, payload, headers) =>
        send({
          method,
          url,
          ...(payload !== undefined && { payload }),
          headers: { authorization: `Bearer ${token}`, ...headers },
        })
    return { id, email, token, get: as('GET'), post: as('POST'), patch: as('PATCH'), delete: as('DELETE') }
  }
  return { send, register, logIn, signIn }
}
