import type { FastifyRequest } from 'fastify'

import { isOriginOfHost } from '../http/cross-site.ts'
import { Problem } from '../problems.ts'

// Refuses what another origin may have sent. Other ports of this host count as the same site, so browsers send the cookie.
export function refuseOtherOrigins(request: FastifyRequest): Problem | undefined {
  if (isSameOrigin(request)) return undefined
  return new Problem(
    'not_same_origin',
    'Only pages of the console can use its session. Use a token and the API itself.',
  )
}

/** Browsers send Sec-Fetch-Site only over TLS and to localhost. Without Origin, only reading is safe, and no other page sees it. */
function isSameOrigin(request: FastifyRequest): boolean {
  const { origin, 'sec-fetch-site': site } = request.headers
  if (site !== undefined) return site === 'same-origin'
  if (origin !== undefined) return isOriginOfHost(origin, request)
  return request.method === 'GET' || request.method === 'HEAD'
}
