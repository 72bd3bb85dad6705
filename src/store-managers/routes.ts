import type { FastifyReply, FastifyRequest } from 'fastify'

import { authenticate } from '../auth/authenticate.ts'
import { openSemaphore } from '../concurrency/semaphore.ts'
import type { Context } from '../context.ts'
import { acceptForms } from '../http/body-parsers.ts'
import { rateLimitKey } from '../http/client-address.ts'
import { rejectCrossSite } from '../http/cross-site.ts'
import { disconnectionOf } from '../http/disconnection.ts'
import { normalizeEmail } from '../http/email-address.ts'
import { logEvent } from '../http/security-events.ts'
import type { App } from '../http/types.ts'
import { watchSemaphore } from '../observability/metrics/watch.ts'
import * as me from './me.ts'
import * as operations from './operations.ts'
import { resetPassword } from './password-reset.ts'
import { guardRegistration } from './registration.ts'
import type { LogoutQuery } from './schemas.ts'
import * as storeManagers from './store-managers.ts'

/** A failed deletion makes PostgreSQL count the manager's items. */
const removalLimits = { permits: 2, maxQueue: 16, timeout: 3_000, share: 0.5 }

export function storeManagerRoutes(app: App, context: Context): void {
  for (const schema of operations.components) app.addSchema(schema)
  app.addHook('onRequest', async (_request, reply) => void reply.header('cache-control', 'no-store'))
  // Before validation, so that spaces, which phones add, are ignored.
  app.addHook('preValidation', async ({ body }) => normalizeEmailOf(body))

  app.post('', { ...guardRegistration(context), schema: operations.registerStoreManager }, async (request, reply) => {
    const caller = { party: rateLimitKey(request.ip), signal: disconnectionOf(reply) }
    const key = request.headers['idempotency-key']
    const { response: manager, isReplayed } = await storeManagers.register(context, request.body, caller, key)
    if (isReplayed) reply.header('idempotency-replayed', 'true')
    else logEvent(request, 'account_registered', { manager: manager.id })
    return reply.code(201).send(manager)
  })
  app.register(async (scope: App) => tokenRoutes(scope, context))
  app.register(async (scope: App) => signedInRoutes(scope, context))
}

function tokenRoutes(app: App, context: Context): void {
  const { config, loginThrottle } = context
  const onRequest = rejectCrossSite(config.corsOrigins)

  app.register(async (forms: App) => {
    acceptForms(forms)
    forms.post('/token', { onRequest, schema: operations.logIn }, async (request, reply) => {
      const attempt = { network: rateLimitKey(request.ip), username: request.body.username }
      const { manager, token, expiresIn } = await loginThrottle.run(attempt, reply, (caller) =>
        storeManagers.logIn(context, request.body, caller),
      )
      logEvent(request, 'login_succeeded', { manager })
      return { access_token: token, token_type: config.tokens.type, expires_in: expiresIn }
    })
  })
  app.register(async (scope: App) => {
    scope.post('/reset-password', { onRequest, schema: operations.resetPassword }, async (request, reply) => {
      const attempt = { network: rateLimitKey(request.ip) }
      const manager = await loginThrottle.run(attempt, reply, (caller) => resetPassword(context, request.body, caller))
      logEvent(request, 'password_reset', { manager: manager.id })
      return manager
    })
  })
}

function signedInRoutes(app: App, context: Context): void {
  const removals = watchSemaphore(context.metrics, 'account_deletions', openSemaphore(removalLimits))
  const callerOf = ({ ip, token }: FastifyRequest, reply: FastifyReply): me.Caller => ({
    token,
    guard: (username, check) => context.loginThrottle.run({ network: rateLimitKey(ip), username }, reply, check),
  })
  const logOut = async (request: FastifyRequest<{ Querystring: LogoutQuery }>) => {
    const { token, query } = request
    const isEverywhere = query.scope === 'all'
    await (isEverywhere ? context.revocations.revokeAll(token) : context.revocations.revoke(token))
    logEvent(request, isEverywhere ? 'logged_out_everywhere' : 'logged_out')
    return { message: 'Logged out successfully' }
  }

  app.register(async (scope: App) => {
    authenticate(scope, context)
    // HEAD must be safe (RFC 9110 §9.2.1), and this is not.
    scope.get('/logout', { exposeHeadRoute: false, schema: operations.logOut }, logOut)
    scope.post('/logout', { schema: operations.logOutByPost }, logOut)
  })
  app.register(async (scope: App) => {
    authenticate(scope, context)
    scope.get('/me', { schema: operations.getMe }, ({ token }) => me.get(context.db, token.sub))
    scope.patch('/me', { schema: operations.updateMe }, async (request, reply) => {
      const { body } = request
      const manager = await me.update(context, callerOf(request, reply), body)
      for (const field of ['name', 'email', 'password'] as const) {
        if (typeof body[field] === 'string') logEvent(request, `${field}_changed`)
      }
      return manager
    })
    scope.delete('/me', { schema: operations.deleteMe }, async (request, reply) => {
      const remove = () => me.remove(context, callerOf(request, reply), request.body)
      await removals.run(remove, request.token.sub, disconnectionOf(reply))
      logEvent(request, 'account_deleted')
      return reply.code(204).send(null)
    })
  })
}

function normalizeEmailOf(body: unknown): void {
  if (typeof body !== 'object' || body === null || !('email' in body) || typeof body.email !== 'string') return
  body.email = normalizeEmail(body.email) ?? body.email
}
