import { coalesce } from '../coalesce.ts'
import type { Context } from '../context.ts'
import type { App } from '../fastify.ts'
import type { Token } from './tokens.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The token that the request came with, in a scope that lets only signed-in managers pass. */
    token: Token
    /** Settled when it is known whether the token still counts. Nothing may leave before that. */
    admission: Promise<void> | undefined
  }
}

/**
 * Lets only signed-in managers pass, on all routes that are added to `app` from now on.
 *
 * Whether a token was logged out, and its manager is still there, is asked before the route does its work; on routes that
 * only read (`reads` says which) it is asked while they do, and their answer, whatever it is, is withheld until then.
 */
export function authenticate(app: App, context: Context, reads: (method: string) => boolean): void {
  const { tokens } = context
  const admit = admission(context)

  app.addHook('onRequest', async (request) => {
    const { authorization = '' } = request.headers
    request.token = tokens.recall(authorization) ?? (await tokens.verify(authorization))
    request.admission = admit(request.token)
    if (!reads(request.method)) return request.admission
    request.admission.catch(() => {})
  })

  app.addHook('onRoute', (route) => {
    if (![route.method].flat().every(reads)) return
    const { handler } = route
    route.handler = async function (request, reply) {
      const work = Promise.resolve(handler.call(this, request, reply))
      work.catch(() => {})
      await request.admission
      return work
    }
  })
}

/** Asks whether a token still counts, for all that ask in one turn of the event loop at once. @throws Problem invalid_token */
function admission({ revocations }: Context): (token: Token) => Promise<void> {
  const refusal = coalesce((tokens: Token[]) => revocations.refusals(tokens), 2)
  return async (token) => {
    const refuse = await refusal(token)
    if (refuse) throw refuse()
  }
}
