import type { FastifyReply, FastifyRequest } from 'fastify'

import { rateLimited } from '../auth/rate-limits.ts'
import type { Context } from '../context.ts'
import { rateLimitKey } from '../http/client-address.ts'
import { rejectCrossSite } from '../http/cross-site.ts'
import { Problem } from '../problems.ts'

export function guardRegistration({ config, registrationLimit }: Context) {
  const refuse = rejectCrossSite(config.corsOrigins)
  return {
    async onRequest(request: FastifyRequest): Promise<void> {
      await refuse(request)
      if (config.registration === 'open') return
      throw new Problem('registration_closed', 'Registration is closed. Ask the operator for an account.')
    },
    async preHandler({ ip }: FastifyRequest, reply: FastifyReply): Promise<void> {
      const standing = await registrationLimit?.consume(rateLimitKey(ip))
      if (!standing) return
      reply.headers(standing.headers)
      if (standing.exceeded) throw rateLimited('registrations', 'Too many registrations from this address', standing)
    },
  }
}
