import type { IncomingMessage } from 'node:http'

import { Problem } from '../problems.ts'
import type { App } from './types.ts'

// Importing it would also load Node's fetch, a twentieth of the startup time.
const { METHODS } = process.getBuiltinModule('node:http')

// Rejects requests that a proxy may read differently: without exactly one Host (RFC 9112 §3.2), with several of another header
// of which Node keeps the first, or with a transfer coding besides chunked, which Node ignores (§6.1).
export function rejectAmbiguousHost(app: App): void {
  app.addHook('onRequest', ({ raw }, _reply, done) => done(oddity(raw)))
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response))
}

function oddity({ rawHeaders, httpVersion, headers }: IncomingMessage): Problem | undefined {
  const counts = countSingular(rawHeaders)
  if (counts.host === 0 && httpVersion !== '1.0') return malformed('The request has no Host header.')
  const repeated = Object.keys(counts).find((name) => counts[name as Singular] > 1)
  if (repeated !== undefined) return malformed(`The request has several ${repeated} headers. Send one.`)
  const coding = headers['transfer-encoding']
  if (coding === undefined || coding.toLowerCase() === 'chunked') return undefined
  return new Problem('unsupported_transfer_coding', 'The only supported Transfer-Encoding is chunked.', {
    headers: { connection: 'close' },
  })
}

type Singular = 'host' | 'authorization' | 'content-type'

/** Node keeps the first, where a proxy may have used the last. `rawHeaders` alternates names and values. */
function countSingular(rawHeaders: string[]): Record<Singular, number> {
  const counts = { host: 0, authorization: 0, 'content-type': 0 }
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string
    if (name.length === 4 && name.toLowerCase() === 'host') counts.host++
    else if (name.length === 13 && name.toLowerCase() === 'authorization') counts.authorization++
    else if (name.length === 12 && name.toLowerCase() === 'content-type') counts['content-type']++
  }
  return counts
}

function malformed(detail: string): Problem {
  return new Problem('malformed_request', detail)
}

export function handleNotFound(app: App): void {
  app.addHook('onRequest', (request, _reply, done) => {
    done(request.is404 ? new Problem('not_found', 'No route has this path.') : undefined)
  })
}

/** @returns a function that makes all other methods of the routes registered until then respond 405 */
export function handleMethodNotAllowed(app: App): () => void {
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
          throw new Problem('method_not_allowed', `This path supports only ${allow}.`, { headers: { allow } })
        },
        handler() {},
      })
    }
  }
}
