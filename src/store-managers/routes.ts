import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'

import { authenticate, authenticateReadsByKey } from '../auth/authenticate.ts'
import { openSemaphore } from '../concurrency/semaphore.ts'
import type { Context } from '../context.ts'
import { acceptForms } from '../http/body-parsers.ts'
import { rateLimitKey } from '../http/client-address.ts'
import { rejectCrossSite } from '../http/cross-site.ts'
import { disconnectionOf } from '../http/disconnection.ts'
import { normalizeEmail } from '../http/email-address.ts'
import { logEvent } from '../http/security-events.ts'
import type { App } from '../http/types.ts'
import { operation, signedIn } from '../openapi/document.ts'
import { authenticated, problemResponses, unavailable, withBody, rateLimit, replayed } from '../openapi/responses.ts'
import { IdempotencyKey, Message, ref, strict } from '../openapi/schemas.ts'
import * as account from './me.ts'
import { guardRegistration } from './registration.ts'
import { resetRoute } from './reset-route.ts'
import {
  LoginForm,
  LogoutQuery,
  PasswordReset,
  StoreManager,
  StoreManagerCreate,
  StoreManagerRemoval,
  StoreManagerUpdate,
  Token,
} from './schemas.ts'
import * as storeManagers from './store-managers.ts'

/** A failed deletion makes PostgreSQL count the manager's items. */
const removalGate = { permits: 2, maxQueue: 16, timeout: 3_000, share: 0.5 }

const components = [
  StoreManager,
  StoreManagerCreate,
  StoreManagerUpdate,
  StoreManagerRemoval,
  PasswordReset,
  LoginForm,
  Token,
]

export function storeManagerRoutes(app: App, context: Context): void {
  for (const schema of components) app.addSchema(schema)
  // Every response here is about one manager.
  app.addHook('onRequest', (_request, reply, done) => {
    reply.header('cache-control', 'no-store')
    done()
  })
  app.addHook('preValidation', async ({ body }) => normalizeEmailOf(body))
  app.post(
    '',
    {
      ...guardRegistration(context),
      schema: {
        ...operation('registerStoreManager', 'Store managers', 'Register a manager'),
        description: 'Send the password as either `password` or `password_hash`.',
        security: [],
        headers: IdempotencyKey,
        body: ref(StoreManagerCreate),
        response: {
          201: { ...ref(StoreManager), description: 'The registered manager', headers: { ...rateLimit, ...replayed } },
          ...problemResponses([
            ...withBody,
            'registration_closed',
            'cross_site_request',
            'email_taken',
            'idempotency_key_in_use',
            'idempotency_key_reused',
            'too_many_registrations',
            ...unavailable,
          ]),
        },
      },
    },
    async (request, reply) => {
      const key = request.headers['idempotency-key']
      const caller = { party: rateLimitKey(request.ip), signal: disconnectionOf(reply) }
      const { answer, isReplayed } = await storeManagers.register(context, request.body, caller, key)
      if (isReplayed) reply.header('idempotency-replayed', 'true')
      else logEvent(request, 'account_registered', { manager: answer.id })
      return reply.code(201).send(answer)
    },
  )

  app.register(async (scope: App) => tokenRoutes(scope, context))
  app.register(async (scope: App) => resetRoute(scope, context))
  app.register(async (scope: App) => logoutRoutes(scope, context))
  app.register(async (scope: App) => getAccountRoute(scope, context))
  app.register(async (scope: App) => accountRoutes(scope, context))
}

/** Before validation, so that spaces, which phones add, are ignored. */
function normalizeEmailOf(body: unknown): void {
  if (typeof body !== 'object' || body === null || !('email' in body) || typeof body.email !== 'string') return
  body.email = normalizeEmail(body.email) ?? body.email
}

function tokenRoutes(app: App, context: Context): void {
  acceptForms(app)

  app.post(
    '/token',
    {
      onRequest: rejectCrossSite(context.config.corsOrigins),
      schema: {
        ...operation('logIn', 'Store managers', 'Log in'),
        description: 'The OAuth2 password grant (RFC 6749 §4.3). Client credentials are ignored.',
        security: [],
        consumes: ['application/x-www-form-urlencoded', 'multipart/form-data'],
        body: ref(LoginForm),
        response: {
          200: { ...ref(Token), description: 'The token', headers: rateLimit },
          ...problemResponses([
            ...withBody,
            'invalid_credentials',
            'cross_site_request',
            'too_many_logins',
            ...unavailable,
          ]),
        },
      },
    },
    async (request, reply) => {
      const { ip, body } = request
      const attempt = { network: rateLimitKey(ip), username: body.username }
      const { manager, token, expiresIn } = await context.loginThrottle.guard(attempt, reply, (caller) =>
        storeManagers.logIn(context, body, caller),
      )
      logEvent(request, 'login_succeeded', { manager })
      return { access_token: token, token_type: context.config.tokens.type, expires_in: expiresIn }
    },
  )
}

function logoutRoutes(app: App, context: Context): void {
  const logOut = async (request: FastifyRequest<{ Querystring: LogoutQuery }>) => {
    const { token, query } = request
    const isEverywhere = query.scope === 'all'
    await (isEverywhere ? context.revocations.revokeAll(token) : context.revocations.revoke(token))
    logEvent(request, isEverywhere ? 'logged_out_everywhere' : 'logged_out')
    return { message: 'Logged out successfully' }
  }
  const done = {
    200: { ...ref(Message), description: 'The token, or every token of the manager, has been revoked' },
  }

  authenticate(app, context)
  app.get(
    '/logout',
    {
      // HEAD must be safe (RFC 9110 §9.2.1), and this is not.
      exposeHeadRoute: false,
      schema: {
        ...operation('logOut', 'Store managers', 'Log out (GET)'),
        description: 'For clients of the original service. Use `logOutByPost` instead: GET should not change anything.',
        deprecated: true,
        security: signedIn,
        querystring: { ...LogoutQuery, ...strict },
        response: { ...done, ...problemResponses([...authenticated, 'invalid_request', ...unavailable]) },
      },
    },
    logOut,
  )
  app.post(
    '/logout',
    {
      schema: {
        ...operation('logOutByPost', 'Store managers', 'Log out'),
        description: 'No body is needed.',
        security: signedIn,
        querystring: { ...LogoutQuery, ...strict },
        response: { ...done, ...problemResponses([...withBody, ...authenticated, ...unavailable]) },
      },
    },
    logOut,
  )
}

function getAccountRoute(app: App, context: Context): void {
  authenticateReadsByKey(app, context)
  app.get(
    '/me',
    {
      schema: {
        ...operation('getMe', 'Store managers', 'Get the signed-in manager'),
        security: signedIn,
        response: {
          200: { ...ref(StoreManager), description: 'The manager' },
          ...problemResponses([...authenticated, ...unavailable]),
        },
      },
    },
    ({ token }) => account.get(context.db, token.sub),
  )
}

function accountRoutes(app: App, context: Context): void {
  const callerOf = ({ ip, token }: FastifyRequest, reply: FastifyReply): account.Caller => ({
    token,
    guard: (username, check) => context.loginThrottle.guard({ network: rateLimitKey(ip), username }, reply, check),
  })
  const removals = openSemaphore(removalGate)
  authenticate(app, context)

  app.patch(
    '/me',
    {
      schema: {
        ...operation('updateMe', 'Store managers', 'Update the signed-in manager'),
        description:
          'A new password revokes all other tokens of the manager. Wrong current passwords count as failed logins.',
        security: signedIn,
        body: ref(StoreManagerUpdate),
        response: {
          200: { ...ref(StoreManager), description: 'The updated manager', headers: rateLimit },
          ...problemResponses([
            ...withBody,
            ...authenticated,
            'wrong_password',
            'email_taken',
            'too_many_logins',
            ...unavailable,
          ]),
        },
      },
    },
    async (request, reply) => {
      const { body } = request
      const manager = await account.update(context, callerOf(request, reply), body)
      for (const field of ['name', 'email', 'password'] as const) {
        if (typeof body[field] === 'string') logEvent(request, `${field}_changed`)
      }
      return manager
    },
  )

  app.delete(
    '/me',
    {
      schema: {
        ...operation('deleteMe', 'Store managers', 'Delete the signed-in manager'),
        description: 'A manager who owns items cannot be deleted. Wrong current passwords count as failed logins.',
        security: signedIn,
        body: ref(StoreManagerRemoval),
        response: {
          204: { ...Type.Null({ description: 'Deleted' }), headers: rateLimit },
          ...problemResponses([
            ...withBody,
            ...authenticated,
            'wrong_password',
            'manager_owns_items',
            'too_many_logins',
            ...unavailable,
          ]),
        },
      },
    },
    async (request, reply) => {
      const remove = () => account.remove(context, callerOf(request, reply), request.body)
      await removals.run(remove, request.token.sub, disconnectionOf(reply))
      logEvent(request, 'account_deleted')
      return reply.code(204).send(null)
    },
  )
}
