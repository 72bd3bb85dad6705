import { isIPv4 } from 'node:net'

import type { Tls } from '../tls.ts'
import { isServiceLink } from './address-types.ts'
import { readCertificate, readKey } from './pem.ts'
import type { Values } from './settings.ts'

export function readServer(values: Values) {
  const { POSTGRES_HOST: host } = values
  const problems: string[] = []
  if (host === undefined) return { server: undefined, problems }
  const tls = readTls(values, problems)
  const server = {
    host,
    port: values.POSTGRES_PORT,
    user: values.POSTGRES_USER,
    password: values.POSTGRES_PASSWORD,
    database: values.POSTGRES_DB,
    // libpq has no TLS on Unix sockets either.
    ...(tls && !host.startsWith('/') && { tls }),
    connectTimeoutMs: values.connect_timeout * 1000,
    applicationName: values.application_name,
    ...(values.channel_binding !== 'disable' && { channelBinding: values.channel_binding }),
  }
  return { server, problems }
}

/** Settings of a server without its host would be ignored, and another server used. */
export function checkHost(env: Record<string, string | undefined>): string[] {
  if (env['POSTGRES_HOST']) return checkLibpqMode(env)
  if (env['DATABASE_URL']) return []
  const needHost = ['PORT', 'USER', 'PASSWORD', 'DB', 'SSLMODE', 'SSLROOTCERT', 'SSLCERT', 'SSLKEY']
  // Kubernetes sets the port itself, for a Service of that name.
  const given = needHost.map((name) => `POSTGRES_${name}`).filter((name) => env[name] && !isServiceLink(env[name]))
  if (given.length === 0) return []
  const list = given.join(', ')
  return [`POSTGRES_HOST or DATABASE_URL is required with ${list}: set it, or unset those to use the embedded server`]
}

/** Earlier versions read it, as libpq does. */
function checkLibpqMode(env: Record<string, string | undefined>): string[] {
  const isEncrypting = /^(?:require|verify-ca|verify-full|no-verify)$/.test(env['PGSSLMODE'] ?? '')
  return isEncrypting && !env['POSTGRES_SSLMODE'] ? ['PGSSLMODE is not read: set POSTGRES_SSLMODE'] : []
}

export function isLocal(host: string): boolean {
  const name = host.toLowerCase()
  return name.startsWith('/') || name === 'localhost' || name === '::1' || (isIPv4(name) && name.startsWith('127.'))
}

function readTls(values: Values, problems: string[]): Tls | undefined {
  const { POSTGRES_SSLMODE: mode, POSTGRES_SSLROOTCERT: root, POSTGRES_SSLCERT: cert, POSTGRES_SSLKEY: key } = values
  problems.push(...checkTls(values))
  if (mode === 'disable') return undefined
  const read = (name: string, path: string | undefined, from: (path: string) => string) => {
    try {
      return path === undefined ? undefined : from(path)
    } catch (error) {
      problems.push(`${name} ${(error as Error).message}`)
      return undefined
    }
  }
  const ca = read('POSTGRES_SSLROOTCERT', root === systemRoots ? undefined : root, readCertificate)
  const certificate = read('POSTGRES_SSLCERT', cert, readCertificate)
  return { mode, ca, cert: certificate, key: read('POSTGRES_SSLKEY', key, (path) => readKey(path, certificate)) }
}

const systemRoots = 'system'

/** As libpq does, but for a missing POSTGRES_SSLROOTCERT, which means `system` to verify-full. */
function checkTls(values: Values): string[] {
  const { POSTGRES_SSLMODE: mode, POSTGRES_SSLROOTCERT: root, POSTGRES_SSLCERT: cert, POSTGRES_SSLKEY: key } = values
  const problems: string[] = []
  if (mode === 'disable' && (root ?? cert ?? key) !== undefined) {
    problems.push('POSTGRES_SSLROOTCERT, POSTGRES_SSLCERT, and POSTGRES_SSLKEY need a POSTGRES_SSLMODE besides disable')
  }
  if (mode === 'verify-ca' && root === undefined) {
    problems.push('POSTGRES_SSLROOTCERT is required with the POSTGRES_SSLMODE verify-ca')
  }
  if ((mode === 'require' || mode === 'verify-ca') && root === systemRoots) {
    problems.push(
      'POSTGRES_SSLROOTCERT=system needs POSTGRES_SSLMODE=verify-full, because anyone can get such a certificate',
    )
  }
  if ((cert === undefined) !== (key === undefined)) {
    problems.push('POSTGRES_SSLCERT and POSTGRES_SSLKEY must be set together')
  }
  return problems
}
