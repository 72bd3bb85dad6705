import type { FastifyRequest } from 'fastify'

import type { Context } from '../context.ts'
import type { App } from '../http/types.ts'
import type { Token } from './tokens.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The token that the request came with, in a scope that lets only signed-in managers pass. */
    token: Token
    /** Checks the token, if it may have ended when the handler begins. No error is sent before that. */
    admission: (() => Promise<void>) | undefined
  }
}

/**
 * Lets only signed-in managers pass, on all routes that are added to `app` from now on. Whether the token has ended is known
 * before anything of the request is read or done, and checked again if the body has taken long to arrive.
 */
export function authenticate(app: App, context: Context): void {
  app.addHook('onRequest', async (request) => {
    request.token = await identify(request, context)
    await context.checkToken(request.token)
  })
  app.addHook('preValidation', ({ token }) => admitUnlessRecent(token, context))
}

/**
 * The same for routes whose statements check the token themselves (`validity.ts`): no other check is made within a second of
 * the last one. The statements know nothing of tokens that another service has logged out in Redis alone, so those write for
 * so much longer.
 */
export function authenticateWrites(app: App, context: Context): void {
  app.addHook('onRequest', async (request) => {
    const token = await identify(request, context)
    request.token = token
    request.admission = () => context.checkToken(token)
    await admitUnlessRecent(token, context)
  })
  app.addHook('preValidation', ({ token }) => admitUnlessRecent(token, context))
}

/**
 * The same for routes that read by key and nothing else: the token is checked while they do, because that costs as little as
 * to refuse them; their answer, whatever it is, is withheld until then.
 */
export function authenticateReadsByKey(app: App, context: Context): void {
  const { checkToken } = context

  app.addHook('onRequest', async (request) => {
    request.token = await identify(request, context)
    const admitted = checkToken(request.token)
    admitted.catch(() => {})
    request.admission = () => admitted
  })

  app.addHook('onRoute', (route) => {
    const { handler } = route
    route.handler = async function (request, reply) {
      const work = Promise.resolve(handler.call(this, request, reply))
      work.catch(() => {})
      await request.admission?.()
      return work
    }
  })
}

async function admitUnlessRecent(token: Token, { checkToken, wasJustChecked }: Context): Promise<void> {
  if (!wasJustChecked(token)) await checkToken(token)
}

async function identify({ headers: { authorization = '' } }: FastifyRequest, { tokens }: Context): Promise<Token> {
  return tokens.getCached(authorization) ?? (await tokens.verify(authorization))
}
