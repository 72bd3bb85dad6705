import type { FastifyRequest } from 'fastify'

import type { Context } from '../context.ts'
import type { App } from '../fastify.ts'
import type { Token } from './tokens.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The token that the request came with, in a scope that lets only signed-in managers pass. */
    token: Token
    /** Settled when it is known whether the token has ended. Nothing may leave before that. */
    admission: Promise<void> | undefined
  }
}

/** Milliseconds after which a check is too old to rely on. */
export const staleAfter = 1_000

/**
 * Lets only signed-in managers pass, on all routes that are added to `app` from now on. Whether the token has ended is known
 * before anything of the request is read or done.
 *
 * It is checked again if the body has taken long to arrive. What writes checks the token once more in its statement
 * (`validity.ts`), which knows nothing of tokens that another service has logged out in Redis alone: those are checked here,
 * and may write for a second after that.
 */
export function authenticate(app: App, context: Context): void {
  const { admit } = context

  app.addHook('onRequest', async (request) => {
    request.token = await identify(request, context)
    await admit(request.token)
  })

  app.addHook('preValidation', async (request, reply) => {
    if (reply.elapsedTime > staleAfter) await admit(request.token)
  })
}

/**
 * The same for routes that read by key and nothing else: the token is checked while they do, because that costs as little as
 * to refuse them; their answer, whatever it is, is withheld until then.
 */
export function authenticateReadsByKey(app: App, context: Context): void {
  const { admit } = context

  app.addHook('onRequest', async (request) => {
    request.token = await identify(request, context)
    request.admission = admit(request.token)
    request.admission.catch(() => {})
  })

  app.addHook('onRoute', (route) => {
    const { handler } = route
    route.handler = async function (request, reply) {
      const work = Promise.resolve(handler.call(this, request, reply))
      work.catch(() => {})
      await request.admission
      return work
    }
  })
}

async function identify({ headers: { authorization = '' } }: FastifyRequest, { tokens }: Context): Promise<Token> {
  return tokens.recall(authorization) ?? (await tokens.verify(authorization))
}
