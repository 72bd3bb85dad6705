import type { FastifyRequest } from 'fastify'

/** Browsers send it only over TLS, and no other host can set it (RFC 6265bis §4.1.3.2). */
const securePrefix = '__Host-stockroom'

/** The token of the console's session. */
export function readCookie(request: FastifyRequest): string | undefined {
  const values = new Map<string, string>()
  for (const pair of request.headers.cookie?.split(';') ?? []) {
    const [, name = '', value = ''] = /^([^=]+)=([\w.-]+)$/.exec(pair.trim()) ?? []
    if (!values.has(name)) values.set(name, value)
  }
  const secure = values.get(secureName(request))
  return secure ?? (isOverTls(request) ? undefined : values.get(plainName(request)))
}

/** Without `maxAge`, in seconds, the cookie ends with the browser. */
export function cookieOf(request: FastifyRequest, token: string, maxAge?: number): string {
  const isSecure = request.headers.origin?.startsWith('https:') === true
  const age = maxAge === undefined ? '' : `; Max-Age=${maxAge}`
  return (isSecure ? secureCookie(request, token) : plainCookie(request, token)) + age
}

/** Deletes both, because requests do not always say whether they came over TLS. */
export function expiredCookies(request: FastifyRequest): string[] {
  return [`${secureCookie(request, '')}; Max-Age=0`, `${plainCookie(request, '')}; Max-Age=0`]
}

function secureCookie(request: FastifyRequest, token: string): string {
  return `${secureName(request)}=${token}; Path=/; Secure; HttpOnly; SameSite=Strict`
}

function plainCookie(request: FastifyRequest, token: string): string {
  return `${plainName(request)}=${token}; Path=${request.rootPath}/console; HttpOnly; SameSite=Strict`
}

/** Its path must be `/`, so the name has the path of the service: a host may have several. */
function secureName({ rootPath }: FastifyRequest): string {
  return securePrefix + encodeURIComponent(rootPath)
}

/** Cookies ignore ports, so without it, services on two ports of a host would overwrite each other's. */
function plainName({ host }: FastifyRequest): string {
  return `stockroom-${/:(\d+)$/.exec(host)?.[1] ?? '80'}`
}

// Browsers send Sec-Fetch-Site only over TLS, and to this machine itself. A plain cookie that arrives over TLS is not from this
// service: another host of the domain set it, or an attacker on the network.
function isOverTls({ headers, hostname }: FastifyRequest): boolean {
  const isLocal = /^(?:(?:.*\.)?localhost|127(?:\.\d+){3}|\[::1\])$/i.test(hostname)
  return headers['sec-fetch-site'] !== undefined && !isLocal
}
