import type { App } from './app.ts'

/** Says that the process is alive, whatever its stores do and however busy it is. It is for operators, not in the document. */
export function serveHealth(app: App): void {
  app.get('/healthz', { schema: { hide: true } }, async (_request, reply) => {
    reply.type('text/plain; charset=utf-8')
    return 'ok'
  })
}
