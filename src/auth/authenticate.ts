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
    token: Token
    /** Set if the token may have been revoked since its last check. Every error waits for it. */
    pendingTokenCheck: (() => Promise<void>) | undefined
  }
}

// Requires a valid token on every route registered on `app` afterwards, before the body is read and, if it was slow, after.
export function authenticate(app: App, authentication: Authentication): void {
  app.addHook('onRequest', async (request) => {
    request.token = await identify(request, authentication)
    await authentication.checkToken(request.token)
  })
  app.addHook('preValidation', ({ token }) => checkUnlessRecent(token, authentication))
}

// Like `authenticate`, for routes whose statements check the token themselves (`token-validity.ts`): a check that is less than
// a second old is enough. Statements do not see tokens that another service has revoked only in Redis, so writes with those of
// Stockroom succeed until then; tokens of the original are always checked (`wasJustChecked`).
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

/** Like `authenticate`, for routes whose handlers read with `checkedReader`, which checks the token. */
export function authenticateCheckedReads(app: App, authentication: Authentication): void {
  const { tokens, checkToken } = authentication
  // Without a promise for a cached token: this is the most frequent request.
  app.addHook('onRequest', (request, _reply, done) => {
    const accept = (token: Token) => {
      request.token = token
      request.pendingTokenCheck = () => checkToken(token)
      done()
    }
    const { authorization = '' } = request.headers
    const cached = tokens.getCached(authorization)
    if (cached) accept(cached)
    else tokens.verify(authorization).then(accept, done)
  })
  giveTokenErrorsPrecedence(app)
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
