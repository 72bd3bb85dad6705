import type { FastifyRequest } from 'fastify'

import type { Context } from '../context.ts'
import type { Database } from '../database/database.ts'
import { Problem } from '../problems.ts'
import { invalidToken, managerGone, type Token } from './tokens.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The token that the request came with. Only routes in a scope with `authenticate` have one. */
    token: Token
  }
}

/**
 * A hook that lets only signed-in managers pass, and tells the routes who they are.
 *
 * @throws Problem missing_token or invalid_token
 */
export function authenticate({ tokens, revocations, db }: Context) {
  return async (request: FastifyRequest): Promise<void> => {
    const token = await tokens.verify(bearer(request.headers.authorization))
    const [revoked, known] = await Promise.all([revocations.isRevoked(token.jti), exists(db, token.sub)])
    if (revoked) throw invalidToken('The token was logged out.')
    if (!known) throw managerGone()
    request.token = token
  }
}

/** The token in the header. Clients that follow RFC 6749 §7.1 send the `token_type` they were given as its scheme. */
function bearer(header: string | undefined): string {
  const [, token] = /^(?:Bearer|JWT) +([^\s]+) *$/i.exec(header ?? '') ?? []
  if (token !== undefined) return token
  throw new Problem('missing_token', 'This needs a header «Authorization: Bearer <token>».', {
    headers: { 'www-authenticate': 'Bearer' },
  })
}

async function exists(db: Database, managerId: string): Promise<boolean> {
  const found = await db.selectFrom('store_managers').select('id').where('id', '=', managerId).executeTakeFirst()
  return found !== undefined
}
