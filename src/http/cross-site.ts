import type { FastifyRequest } from 'fastify'

import { Problem } from '../problems.ts'

// Any web page could send such requests from a visitor's address, and exhaust its limits. Only browsers send an Origin.
export function rejectCrossSite(origins: string[]): (request: FastifyRequest) => Promise<void> {
  const allowed = new Set(origins)
  return async (request) => {
    if (allowed.has('*') || !isCrossSite(request) || allowed.has(request.headers.origin ?? '')) return
    const detail = 'A page of another origin sent this request. The operator can allow that origin in CORS_ORIGINS.'
    throw new Problem('cross_site_request', detail)
  }
}

/** Browsers send Sec-Fetch-Site only to HTTPS and localhost, and Origin to all; a proxy may change Host. */
function isCrossSite(request: FastifyRequest): boolean {
  const { origin, 'sec-fetch-site': site } = request.headers
  if (site !== undefined) return site !== 'same-origin' && site !== 'none'
  return origin !== undefined && !isOriginOfHost(origin, request)
}

export function isOriginOfHost(origin: string, { host }: FastifyRequest): boolean {
  const page = URL.parse(origin)
  if (!page?.host) return false
  // With the scheme of the page, because a proxy may terminate TLS, and a default port may be omitted.
  return URL.parse(`${page.protocol}//${host}`)?.host === page.host
}
