import type { App } from './fastify.ts'

const preflightAnswer = {
  'access-control-allow-methods': 'GET, HEAD, POST, PATCH, DELETE',
  'access-control-allow-headers': 'Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Request-Id',
  // The most that Chrome remembers, in seconds.
  'access-control-max-age': '7200',
}

const exposed =
  'Content-Disposition, ETag, Idempotency-Replayed, Link, Location, RateLimit, RateLimit-Policy, Retry-After, ' +
  'WWW-Authenticate, X-Request-Id, X-Total-Count'

/**
 * Lets pages of `origins` call the service from a browser; `*` stands for all. Credentials that a browser adds by itself
 * stay forbidden: a token is sent by the page, on purpose.
 */
export function allowOrigins(app: App, origins: string[]): void {
  if (origins.length === 0) return
  const allowed = new Set(origins)
  const isOpen = allowed.has('*')

  app.addHook('onRequest', ({ method, headers }, reply, done) => {
    const { origin } = headers
    if (!isOpen) reply.header('vary', 'origin')
    if (origin === undefined || !(isOpen || allowed.has(origin))) return done()
    reply.header('access-control-allow-origin', isOpen ? '*' : origin)
    if (method === 'OPTIONS' && headers['access-control-request-method'] !== undefined) {
      reply.code(204).headers(preflightAnswer).send()
      return
    }
    reply.header('access-control-expose-headers', exposed)
    done()
  })
}
