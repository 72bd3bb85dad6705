import type { Credentials } from './credentials.ts'
import { usageError, thisCommand } from './errors.ts'

const defaultServer = 'http://localhost:8000'

/** @throws CliError that does not quote the URL, which may contain a password */
export function resolveServerUrl(server: string | undefined, credentials: Credentials): string {
  const fromEnvironment = process.env['STOCKROOM_URL']
  const source =
    server === undefined ? (fromEnvironment ? 'STOCKROOM_URL' : 'The server of the last login') : '--server'
  const given = server ?? (fromEnvironment || (credentials.server ?? defaultServer))
  const url = URL.parse(given)
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw usageError(`${source} must be an HTTP(S) URL such as ${defaultServer}.`)
  }
  if (url.username !== '' || url.password !== '') {
    throw usageError(`${source} contains a user name or a password. Remove it, and sign in with: ${thisCommand} login`)
  }
  if (/[?#]/.test(given)) throw usageError(`${source} has a query or a fragment. Remove it.`)
  return url.href.replace(/\/+$/, '')
}

export function isUnencrypted(server: string): boolean {
  const { protocol, hostname } = new URL(server)
  return protocol === 'http:' && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)
}
