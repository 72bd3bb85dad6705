import type { FastifyRequest } from 'fastify'

import type { App } from '../http/types.ts'
import type { Token } from './claims.ts'
import type { TokenCheck } from './token-check.ts'
import type { Tokens } from './tokens.ts'

export interface Authentication extends TokenCheck {
  tokens: Tokens
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The token that the request came with, in a scope that lets only signed-in managers pass. */
    token: Token
    /** Checks the token, if it may have been revoked when the handler begins. No error is sent before that. */
    pendingTokenCheck: (() => Promise<void>) | undefined
  }
}

/**
 * Lets only signed-in managers pass, on all routes that are added to `app` from now on. Whether the token has ended is known
 * before anything of the request is read or done, and checked again if the body has taken long to arrive.
 */
export function authenticate(app: App, authentication: Authentication): void {
  app.addHook('onRequest', async (request) => {
    request.token = await identify(request, authentication)
    await authentication.checkToken(request.token)
  })
  app.addHook('preValidation', ({ token }) => checkUnlessRecent(token, authentication))
}

/**
 * The same for routes whose statements check the token themselves (`token-validity.ts`): no other check is made within a second of
 * the last one. The statements know nothing of tokens that another service has logged out in Redis alone, so those write for
 * so much longer.
 */
export function authenticateWrites(app: App, authentication: Authentication): void {
  app.addHook('onRequest', async (request) => {
    const token = await identify(request, authentication)
    request.token = token
    request.pendingTokenCheck = () => authentication.checkToken(token)
    await checkUnlessRecent(token, authentication)
  })
  app.addHook('preValidation', ({ token }) => checkUnlessRecent(token, authentication))
  giveTokenErrorsPrecedence(app)
}

/**
 * The same for routes that read by key and nothing else: the token is checked while they do, because that costs as little as
 * to refuse them; their answer, whatever it is, is withheld until then.
 */
export function authenticateReadsByKey(app: App, authentication: Authentication): void {
  const { checkToken } = authentication

  app.addHook('onRequest', async (request) => {
    request.token = await identify(request, authentication)
    const checked = checkToken(request.token)
    checked.catch(() => {})
    request.pendingTokenCheck = () => checked
  })

  giveTokenErrorsPrecedence(app)
  app.addHook('onRoute', (route) => {
    const { handler } = route
    route.handler = async function (request, reply) {
      const work = Promise.resolve(handler.call(this, request, reply))
      work.catch(() => {})
      await request.pendingTokenCheck?.()
      return work
    }
  })
}

/** An invalid token takes precedence over any other error. */
function giveTokenErrorsPrecedence(app: App): void {
  app.setErrorHandler(async (error, request) => {
    await request.pendingTokenCheck?.()
    throw error
  })
}

async function checkUnlessRecent(token: Token, { checkToken, wasJustChecked }: Authentication): Promise<void> {
  if (!wasJustChecked(token)) await checkToken(token)
}

async function identify(
  { headers: { authorization = '' } }: FastifyRequest,
  { tokens }: Authentication,
): Promise<Token> {
  return tokens.getCached(authorization) ?? (await tokens.verify(authorization))
}
