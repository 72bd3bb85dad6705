import type { FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'

import type { Token } from '../auth/claims.ts'
import { lifetime } from '../auth/claims.ts'
import type { Context } from '../context.ts'
import { rateLimitKey } from '../http/client-address.ts'
import { logEvent } from '../http/security-events.ts'
import type { App } from '../http/types.ts'
import { strict } from '../openapi/schemas.ts'
import { Problem } from '../problems.ts'
import * as me from '../store-managers/me.ts'
import { LoginForm, LogoutQuery, type StoreManager } from '../store-managers/schemas.ts'
import * as storeManagers from '../store-managers/store-managers.ts'
import { cookieOf, expiredCookies, readCookie } from './cookie.ts'
import { sessionPath } from './rewrite.ts'

const { username: Email, password: Password } = LoginForm.properties

/** With `stay`, the session lasts as long as its token; otherwise it also ends with the browser. */
const SignIn = Type.Object({ email: Email, password: Password, stay: Type.Optional(Type.Boolean()) }, strict)
type SignIn = Static<typeof SignIn>

export interface Session {
  /** Null if no one is signed in. */
  manager: StoreManager | null
  expires_at: string | null
  registration: 'open' | 'closed'
  item_writes: 'owner' | 'shared'
  require_if_match: boolean
  /** In bytes. */
  import_limit: number
}

export function sessionRoutes(app: App, context: Context): void {
  const { config, db, loginThrottle, revocations } = context
  const describe = (manager: StoreManager | null, expiresAt?: number): Session => ({
    manager,
    expires_at: expiresAt === undefined ? null : new Date(expiresAt * 1000).toISOString(),
    registration: config.registration,
    item_writes: config.itemWrites,
    require_if_match: config.requireIfMatch,
    import_limit: config.importLimit,
  })
  app.addHook('onRequest', async (_request, reply) => void reply.header('cache-control', 'no-store'))

  app.get(sessionPath, { schema: { hide: true } }, async (request) => {
    const token = await tokenOf(request, context)
    return token ? describe(await me.get(db, token.sub), token.exp) : describe(null)
  })

  app.post(sessionPath, { schema: { hide: true, body: SignIn } }, async (request, reply) => {
    const { email: username, password, stay } = request.body
    const attempt = { network: rateLimitKey(request.ip), username }
    const { manager, token } = await loginThrottle.run(attempt, reply, (caller) =>
      storeManagers.logIn(context, { username, password }, caller),
    )
    const session = describe(await me.get(db, manager), (await context.tokens.verify(`Bearer ${token}`)).exp)
    logEvent(request, 'login_succeeded', { manager })
    reply.header('set-cookie', cookieOf(request, token, stay ? lifetime : undefined))
    return session
  })

  app.delete(
    sessionPath,
    { schema: { hide: true, querystring: { ...LogoutQuery, ...strict } } },
    async (request, reply) => {
      const token = await tokenOf(request, context)
      if (token) {
        const isEverywhere = request.query.scope === 'all'
        await (isEverywhere ? revocations.revokeAll(token) : revocations.revoke(token))
        logEvent(request, isEverywhere ? 'logged_out_everywhere' : 'logged_out', { manager: token.sub })
      }
      return reply.code(204).header('set-cookie', expiredCookies(request)).send(null)
    },
  )
}

/** Undefined if the request has no valid token. @throws Problem store_unavailable */
async function tokenOf(request: FastifyRequest, { tokens, checkToken }: Context): Promise<Token | undefined> {
  const cookie = readCookie(request)
  if (cookie === undefined) return undefined
  try {
    const token = await tokens.verify(`Bearer ${cookie}`)
    await checkToken(token)
    return token
  } catch (error) {
    if (error instanceof Problem && error.status === 401) return undefined
    throw error
  }
}
