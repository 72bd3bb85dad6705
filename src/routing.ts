import type { App } from './app.ts'
import { Problem } from './problems.ts'

// Imported, it would be read whole, and bring Node's fetch with it: a twentieth of a start.
const { METHODS } = process.getBuiltinModule('node:http')

/** Answers what Node would answer with a bare status: a missing Host (RFC 9112 §3.2) and an unknown Expect. */
export function answerOddRequests(app: App): void {
  app.addHook('onRequest', ({ raw }, _reply, done) => {
    const isOdd = raw.headers.host === undefined && raw.httpVersion !== '1.0'
    done(isOdd ? new Problem('malformed_request', 'The request has no Host header.') : undefined)
  })
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response))
}

/** Answers 404 to a path that no route has, before its body is looked at. */
export function refuseUnknownPaths(app: App): void {
  app.addHook('onRequest', (request, _reply, done) => {
    done(request.is404 ? new Problem('not_found', 'There is nothing at this path.') : undefined)
  })
}

/** Remembers the routes that are registered from now on. What it returns makes all their other methods answer 405. */
export function refuseOtherMethods(app: App): () => void {
  const allowed = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method }) => {
    const methods = allowed.get(url) ?? new Set()
    for (const each of [method].flat()) methods.add(each)
    allowed.set(url, methods)
  })

  return () => {
    for (const method of METHODS) if (!app.supportedMethods.includes(method)) app.addHttpMethod(method)
    for (const [url, methods] of allowed) {
      const allow = [...methods].toSorted().join(', ')
      app.route({
        url,
        method: METHODS.filter((method) => !methods.has(method) && method !== 'CONNECT'),
        schema: { hide: true },
        async onRequest() {
          throw new Problem('method_not_allowed', `Only ${allow} work here.`, { headers: { allow } })
        },
        handler() {},
      })
    }
  }
}
