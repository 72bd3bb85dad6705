import type { App } from '../app.ts'
import { coalesce } from '../coalesce.ts'
import type { Context } from '../context.ts'
import { type Database, isKey, readByKeys } from '../database/database.ts'
import { Problem } from '../problems.ts'
import { invalidToken, managerGone, type Token } from './tokens.ts'

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
export function authenticate(app: App, { tokens, revocations, db }: Context, reads: (method: string) => boolean): void {
  const exists = managerReader(db)

  const admit = async ({ jti, sub }: Token) => {
    const [revoked, known] = await Promise.all([revocations.isRevoked(jti), exists(sub)])
    if (revoked) throw invalidToken('The token was logged out.')
    if (!known) throw managerGone()
  }

  app.addHook('onRequest', async (request) => {
    request.token = await tokens.verify(bearer(request.headers.authorization))
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

/** The token in the header. Clients that follow RFC 6749 §7.1 send the `token_type` they were given as its scheme. */
function bearer(header: string | undefined): string {
  const [, token] = /^(?:Bearer|JWT) +([^\s]+) *$/i.exec(header ?? '') ?? []
  if (token !== undefined) return token
  throw new Problem('missing_token', 'This needs a header «Authorization: Bearer <token>».', {
    headers: { 'www-authenticate': 'Bearer' },
  })
}

function managerReader(db: Database): (id: string) => Promise<true | undefined> {
  const query = db.selectFrom('store_managers').select('id').where(isKey('id'))
  const read = readByKeys(db, query.compile())
  return coalesce(async (ids) => new Map((await read(ids)).map(({ id }) => [id, true])))
}
