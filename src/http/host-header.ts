import { throttle } from '../concurrency/throttle.ts'
import { Problem } from '../problems.ts'
import type { App } from './types.ts'

/** Probes ask for these by the address of the process, and they tell nothing but a word. */
const probes = new Set(['/healthz', '/readyz'])

/** Milliseconds between two lines in the log. */
const silence = 60_000

/**
 * Refuses requests whose Host is none of `allowed`: a page whose name was made to lead here (DNS rebinding) could read and
 * write as if it were ours.
 *
 * @param allowed names without ports: `*.shop.example` stands for its subdomains, `.shop.example` for itself as well, `*` for all
 */
export function rejectOtherHosts(app: App, allowed: string[]): void {
  if (allowed.includes('*')) return
  const warn = throttle(silence, (refused) => {
    app.log.warn({ refused }, 'refused requests for hosts that are not in ALLOWED_HOSTS')
  })
  /** Most requests name the same one. */
  let latest: string | undefined

  app.addHook('onRequest', ({ headers: { host }, routeOptions }, _reply, done) => {
    if (host === undefined || host === latest) return done()
    if (isAllowed(nameOf(host), allowed)) latest = host
    else if (!probes.has(routeOptions.url ?? '')) {
      warn()
      return done(misdirected())
    }
    done()
  })
}

/** The name in a Host header, in lower case, without port and final dot; empty if there is none. */
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
