import { throttle } from '../concurrency/throttle.ts'
import { Problem } from '../problems.ts'
import type { App } from './types.ts'

/** Probes use the address of the process, and these paths reveal nothing. */
const probes = new Set(['/healthz', '/readyz'])

const logIntervalMs = 60_000

// Rejects requests for other hosts: a page whose name resolves to this service (DNS rebinding) could call it as its own origin.
// `*.shop.example` matches subdomains, `.shop.example` itself as well, `*` everything.
export function rejectOtherHosts(app: App, allowed: string[]): void {
  if (allowed.includes('*')) return
  const warn = throttle(logIntervalMs, (refused) => {
    app.log.warn({ refused }, 'refused requests for hosts that are not in ALLOWED_HOSTS')
  })
  let latest: string | undefined

  app.addHook('onRequest', ({ headers: { host }, routeOptions }, _reply, done) => {
    if (host === undefined || host === latest) return done()
    if (isAllowedHost(host, allowed)) latest = host
    else if (!probes.has(routeOptions.url ?? '')) {
      warn()
      return done(misdirected())
    }
    done()
  })
}

export function isAllowedHost(host: string, allowed: string[]): boolean {
  return allowed.includes('*') || isAllowed(nameOf(host), allowed)
}

function nameOf(host: string): string {
  const [, name = ''] = /^(\[[^\]]*\]|[^:]*?)\.?(?::\d*)?$/.exec(host.toLowerCase()) ?? []
  return name
}

function isAllowed(name: string, allowed: string[]): boolean {
  return allowed.some((each) => {
    if (each.startsWith('*.')) return name.length >= each.length && name.endsWith(each.slice(1))
    return name === each || (each.startsWith('.') && (name === each.slice(1) || name.endsWith(each)))
  })
}

function misdirected(): Problem {
  const detail = 'The service does not serve this host name. The operator can add it to ALLOWED_HOSTS.'
  return new Problem('misdirected_request', detail)
}
