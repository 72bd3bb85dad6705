import type { App } from '../http/types.ts'
import type { Readiness } from './readiness.ts'

/** For operators, so these are not in the document, and reveal only a word. */
export function serveHealth(app: App, readiness: Readiness): void {
  app.get('/healthz', { schema: { hide: true } }, async (_request, reply) => {
    reply.headers(plainWord)
    return 'ok'
  })

  app.get('/readyz', { schema: { hide: true } }, async ({ query }, reply) => {
    reply.headers(plainWord)
    const word = await (Object.hasOwn(query as object, 'stores') ? readiness.checkStores() : readiness.check())
    if (word !== 'ready') reply.code(503).header('retry-after', '1')
    return word
  })
}

const plainWord = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' }
