import { decode } from './urls.ts'

const parameters: Record<string, string> = {
  host: 'POSTGRES_HOST',
  sslmode: 'POSTGRES_SSLMODE',
  sslrootcert: 'POSTGRES_SSLROOTCERT',
  sslcert: 'POSTGRES_SSLCERT',
  sslkey: 'POSTGRES_SSLKEY',
  channel_binding: 'channel_binding',
  connect_timeout: 'connect_timeout',
  application_name: 'application_name',
  pgbouncer: 'pgbouncer',
}

// Credentials end at the only @, as in libpq, so that a password may contain : # and ?.
const uri =
  /^postgres(?:ql)?:\/\/(?:([^:@/]*)(?::([^@/]*))?@)?(\[[^\]@]*\]|[^:/?@]*)(?::([^/?@]*))?(?:\/([^?@]*))?(?:\?([^@]*))?$/

/** The settings that a libpq URI stands for. @throws Error whose message completes "DATABASE_URL …" */
export function parseDatabaseUrl(url: string): Record<string, string> {
  const [isUri, user = '', password, host = '', port = '', database = '', query = ''] = uri.exec(url) ?? []
  if (isUri === undefined) {
    throw new Error('must be postgres://user:password@host:port/database, with @ and / in a password as %40 and %2F')
  }
  const settings = {
    POSTGRES_HOST: decode(host.replace(/^\[(.*)\]$/, '$1')),
    POSTGRES_PORT: port || '5432',
    POSTGRES_USER: decode(user),
    ...(password && { POSTGRES_PASSWORD: decode(password) }),
    POSTGRES_DB: decode(database || user),
    ...parseParameters(query),
  }
  if (`${settings.POSTGRES_HOST}${port}`.includes(',')) {
    throw new Error(
      'must name one host: for several, name a proxy that leads to the primary, such as HAProxy or PgBouncer',
    )
  }
  for (const [name, what] of Object.entries({ POSTGRES_HOST: 'host', POSTGRES_USER: 'user' })) {
    if (!settings[name as 'POSTGRES_HOST']) throw new Error(`must name a ${what}`)
  }
  return settings
}

function parseParameters(query: string): Record<string, string> {
  const pairs = query.split('&').filter((pair) => pair !== '')
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, name = '', value] = /^([^=]*)=([^=]*)$/.exec(pair) ?? []
      if (value === undefined) throw new Error('has a parameter that is not name=value')
      const setting = parameters[name]
      if (setting === undefined) {
        throw new Error(`has the unknown parameter ${name}; known are ${Object.keys(parameters).join(', ')}`)
      }
      return [setting, decode(value)]
    }),
  )
}

export function partOfDatabaseUrl(setting: string): string {
  const parameter = Object.keys(parameters).find((name) => parameters[name] === setting)
  return parameter ?? setting.replace('POSTGRES_', '').toLowerCase()
}
