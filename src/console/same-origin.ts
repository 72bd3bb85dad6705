import type { FastifyRequest } from 'fastify'

import { isOriginOfHost } from '../http/cross-site.ts'
import { Problem } from '../problems.ts'

// Refuses what a page of another origin may have sent. Browsers send the cookie with requests from other ports of this host, too,
// because they count as the same site.
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
