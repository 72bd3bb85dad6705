import type { Tls } from '../tls.ts'
import { isServiceLink } from './address-types.ts'
import { readCertificate } from './pem.ts'
import type { Values } from './settings.ts'
import type { Environment } from './urls.ts'

export function readRedis(values: Values) {
  const problems: string[] = []
  const { REDIS_HOST: host = '', REDIS_SENTINELS: sentinels } = values
  if (host === '' && sentinels === undefined) return { redis: undefined, problems }
  const redis = {
    host,
    port: values.REDIS_PORT,
    database: values.REDIS_DB,
    username: values.REDIS_USERNAME,
    password: values.REDIS_PASSWORD,
    tls: readTls(values, problems),
    sentinel: sentinels && {
      nodes: sentinels,
      master: values.REDIS_SENTINEL_MASTER,
      username: values.REDIS_SENTINEL_USERNAME,
      password: values.REDIS_SENTINEL_PASSWORD,
    },
  }
  return { redis, problems }
}

export function checkRedis(env: Environment): string[] {
  const given = (names: string[]) => names.filter((name) => env[name] && !isServiceLink(env[name]))
  const ofSentinels = given(['REDIS_SENTINEL_MASTER', 'REDIS_SENTINEL_USERNAME', 'REDIS_SENTINEL_PASSWORD'])
  const ofHost = given(['REDIS_HOST', 'REDIS_PORT'])
  const ofAny = given(['REDIS_USERNAME', 'REDIS_PASSWORD', 'REDIS_TLS', 'REDIS_TLS_CA_FILE'])
  if (env['REDIS_SENTINELS']) {
    const means = 'REDIS_SENTINELS finds the server: unset'
    return ofHost.length > 0 ? [`${means} ${env['REDIS_URL'] ? 'REDIS_URL' : ofHost.join(', ')}`] : []
  }
  const problems: string[] = []
  if (ofSentinels.length > 0) problems.push(`REDIS_SENTINELS is required with ${ofSentinels.join(', ')}`)
  if (!env['REDIS_HOST'] && !env['REDIS_URL'] && ofAny.length > 0) {
    problems.push(`REDIS_HOST, REDIS_URL, or REDIS_SENTINELS is required with ${ofAny.join(', ')}`)
  }
  return problems
}

/** Always verified: an unverified server could read the password. */
function readTls({ REDIS_TLS: isEncrypted, REDIS_TLS_CA_FILE: file }: Values, problems: string[]): Tls | undefined {
  if (!isEncrypted) {
    if (file !== undefined)
      problems.push('REDIS_TLS_CA_FILE needs REDIS_TLS=true, or a REDIS_URL that begins with rediss:')
    return undefined
  }
  try {
    return { mode: 'verify-full', ca: file === undefined ? undefined : readCertificate(file) }
  } catch (error) {
    problems.push(`REDIS_TLS_CA_FILE ${(error as Error).message}`)
    return undefined
  }
}
