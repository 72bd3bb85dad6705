import type { FastifyReply, FastifyRequest } from 'fastify'

import { rateLimited } from '../auth/rate-limits.ts'
import type { Context } from '../context.ts'
import { rateLimitKey } from '../http/client-address.ts'
import { rejectCrossSite } from '../http/cross-site.ts'
import { Problem } from '../problems.ts'

/** What stands before the route that registers. */
export function guardRegistration({ config, registrationLimit }: Context) {
  const refuse = rejectCrossSite(config.corsOrigins)
  return {
    /** @throws Problem cross_site_request or registration_closed */
    async onRequest(request: FastifyRequest): Promise<void> {
      await refuse(request)
      if (config.registration === 'open') return
      throw new Problem('registration_closed', 'Registration is closed. Ask the operator for an account.')
    },
    /** @throws Problem too_many_registrations */
    async preHandler({ ip }: FastifyRequest, reply: FastifyReply): Promise<void> {
      const standing = await registrationLimit?.consume(rateLimitKey(ip))
      if (!standing) return
      reply.headers(standing.headers)
      if (standing.exceeded) throw rateLimited('registrations', 'Too many registrations from this address', standing)
    },
  }
}
