import type { App } from './fastify.ts'
import { Problem } from './problems.ts'

// Imported, it would be read whole, and bring Node's fetch with it: a twentieth of a start.
const { METHODS } = process.getBuiltinModule('node:http')

/** Refuses requests with no Host or with several (RFC 9112 §3.2), and takes an Expect that Node would refuse without a problem. */
export function answerOddRequests(app: App): void {
  app.addHook('onRequest', ({ raw }, _reply, done) => {
    const hosts = countHosts(raw.rawHeaders)
    const isOdd = hosts > 1 || (hosts === 0 && raw.httpVersion !== '1.0')
    done(isOdd ? new Problem('malformed_request', `The request has ${hosts} Host headers instead of one.`) : undefined)
  })
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response))
}

/** Node keeps the first of several, where a proxy may have gone by the last. `rawHeaders` holds names and values in turn. */
function countHosts(rawHeaders: string[]): number {
  let count = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string
    if (name.length === 4 && name.toLowerCase() === 'host') count++
  }
  return count
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
