import { decode } from './urls.ts'

const url =
  /^(rediss?):\/\/(?:([^:@/]*)(?::([^@/]*))?@)?(\[[^\]@]*\]|[^:/?@]*)(?::([^/?@]*))?(?:\/([^?@]*))?(\?[^@]*)?$/

/** The settings that a URL stands for; `rediss` is TLS. @throws Error whose message completes "REDIS_URL …" */
export function parseRedisUrl(given: string): Record<string, string> {
  const [isUrl, scheme, user, password, host = '', port, database, query = ''] = url.exec(given) ?? []
  if (isUrl === undefined) {
    throw new Error('must be redis://user:password@host:port/number, with @ and / in a password as %40 and %2F')
  }
  if (query.length > 1) throw new Error('must have no parameters: set REDIS_TLS_CA_FILE and so on instead')
  if (host === '') throw new Error('must name a host')
  return {
    REDIS_HOST: decode(host.replace(/^\[(.*)\]$/, '$1')),
    REDIS_PORT: port || '6379',
    REDIS_TLS: String(scheme === 'rediss'),
    ...(user && { REDIS_USERNAME: decode(user) }),
    ...(password && { REDIS_PASSWORD: decode(password) }),
    ...(database && { REDIS_DB: database }),
  }
}

export function partOfRedisUrl(setting: string): string {
  return setting.replace('REDIS_', '').toLowerCase()
}
