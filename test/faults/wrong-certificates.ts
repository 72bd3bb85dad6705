import { type Authority, openAuthority } from '../support/certificates.ts'
import { openSecuredRedis, password as redisPassword } from '../support/secured-redis.ts'
import { runMain } from '../support/service.ts'
import { openTlsPostgres, password } from '../support/tls-postgres.ts'
import type { Site } from './fault.ts'
import { settingsFor } from './service.ts'

type Settings = Record<string, string>

interface Start {
  what: string
  env: Settings
  /** What the only line of the output is about. */
  about: string
}

/** Starts on stores with wrong certificates, each of which must end immediately, with one line. @returns how many there were */
export async function startOnWrongCertificates(site: Site, authority: Authority, right: Settings): Promise<number> {
  const other = await openAuthority(site, 'other')
  const expired = { ...authority, issue: authority.issueExpired }
  const starts = [
    ...(await ofPostgres(site, { authority, other, expired }, right)),
    ...(await ofRedis(site, { authority, other, expired }, right)),
  ]
  for (const { what, env, about } of starts) {
    site.step(what)
    const { ended, output } = runMain(site, {
      ...right,
      ...env,
      STARTUP_TIMEOUT: '3600',
      LOG_LEVEL: 'silent',
      PORT: '0',
    })
    const code = await ended
    site.tally.requests++
    const isRight = code === 1 && new RegExp(`^TLS to ${about} at .* failed: [^\\n]*\\n$`).test(output())
    if (!isRight) site.tally.wrong.push(`a start with ${what} ended with ${code}: ${output()}`)
  }
  return starts.length
}

interface Authorities {
  authority: Authority
  other: Authority
  /** Issues certificates that have expired. */
  expired: Authority
}

async function ofPostgres(site: Site, { authority, other, expired }: Authorities, right: Settings): Promise<Start[]> {
  const { server } = await openTlsPostgres(site, expired)
  const overdue = { ...settingsFor(server), POSTGRES_PASSWORD: password }
  const verifying = ['require', 'verify-ca', 'verify-full']
  const start = (what: string, mode: string, env: Settings): Start => ({
    what: `${what} of PostgreSQL in ${mode}`,
    env: { POSTGRES_SSLROOTCERT: authority.cert, POSTGRES_SSLMODE: mode, ...env },
    about: 'PostgreSQL',
  })
  return [
    ...verifying.map((mode) => start('the wrong authority', mode, { POSTGRES_SSLROOTCERT: other.cert })),
    ...verifying.map((mode) => start('an expired certificate', mode, overdue)),
    start('the wrong name', 'verify-full', { ...right, POSTGRES_HOST: '127.0.0.1', POSTGRES_SSLMODE: 'verify-full' }),
  ]
}

async function ofRedis(site: Site, { other, expired }: Authorities, right: Settings): Promise<Start[]> {
  const { port } = await openSecuredRedis(site, expired)
  const url = new URL(right['REDIS_URL'] ?? '')
  const named = (host: string) => ({ REDIS_URL: `rediss://shop:${encodeURIComponent(redisPassword)}@${host}` })
  const start = (what: string, env: Settings): Start => ({
    what: `${what} of Redis`,
    env: { POSTGRES_SSLMODE: 'verify-full', ...env },
    about: 'Redis',
  })
  return [
    start('the wrong authority', { REDIS_TLS_CA_FILE: other.cert }),
    start('the wrong name', named(`127.0.0.1:${url.port}`)),
    start('an expired certificate', named(`localhost:${port}`)),
  ]
}
