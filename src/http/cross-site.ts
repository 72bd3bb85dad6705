import type { FastifyRequest } from 'fastify'

import { Problem } from '../problems.ts'

/**
 * A hook for routes that change something without a token: browsers let pages of any origin send such requests, and their
 * address would be limited for it. Requests that are not from a browser say nothing of their origin, and pass.
 *
 * @param origins whose pages may send them; `*` stands for all
 * @returns throws Problem cross_site_request
 */
export function rejectCrossSite(origins: string[]): (request: FastifyRequest) => Promise<void> {
  const allowed = new Set(origins)
  return async (request) => {
    if (allowed.has('*') || !isCrossSite(request) || allowed.has(request.headers.origin ?? '')) return
    const detail = 'A page of another origin sent this request. The operator can allow that origin in CORS_ORIGINS.'
    throw new Problem('cross_site_request', detail)
  }
}

/** Browsers send Sec-Fetch-Site to HTTPS and localhost alone, and Origin to all; a page's own may be told by a proxy's Host. */
function isCrossSite({ headers, host }: FastifyRequest): boolean {
  const { origin, 'sec-fetch-site': site } = headers
  if (site !== undefined) return site !== 'same-origin' && site !== 'none'
  if (origin === undefined) return false
  const page = URL.parse(origin)
  // With the scheme of the page, because TLS may end at a proxy and a default port may be written or not.
  return !page?.host || URL.parse(`${page.protocol}//${host}`)?.host !== page.host
}
