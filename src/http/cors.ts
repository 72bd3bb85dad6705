import type { App } from './types.ts'

const preflightHeaders = {
  'access-control-allow-methods': 'GET, HEAD, POST, PATCH, DELETE',
  'access-control-allow-headers':
    'Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Traceparent, Tracestate, X-Request-Id',
  // The longest time that Chrome caches, in seconds.
  'access-control-max-age': '7200',
}

const exposed =
  'Content-Disposition, ETag, Idempotency-Replayed, Link, Location, RateLimit, RateLimit-Policy, Retry-After, ' +
  'WWW-Authenticate, X-Next-After, X-Request-Id, X-Total-Count'

export function corsHeaders(origins: string[], origin: string | undefined): Record<string, string> {
  const isOpen = origins.includes('*')
  const vary = isOpen || origins.length === 0 ? {} : { vary: 'origin' }
  if (origin === undefined || !(isOpen || origins.includes(origin))) return vary
  return { ...vary, 'access-control-allow-origin': isOpen ? '*' : origin, 'access-control-expose-headers': exposed }
}

/** Credentials that a browser adds by itself stay forbidden, because a page sends its token explicitly. */
export function allowOrigins(app: App, origins: string[]): void {
  if (origins.length === 0) return
  app.addHook('onRequest', ({ method, headers }, reply, done) => {
    reply.headers(corsHeaders(origins, headers.origin))
    const isAllowed = reply.hasHeader('access-control-allow-origin')
    if (!isAllowed || method !== 'OPTIONS' || headers['access-control-request-method'] === undefined) return done()
    reply.code(204).headers(preflightHeaders).send()
  })
}
