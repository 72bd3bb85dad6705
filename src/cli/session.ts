import { type Client, createClient } from '../client/client.ts'
import { firstLine, openTerminal } from '../terminal.ts'
import { type Credentials, readCredentials, writeCredentials } from './credentials.ts'
import { Failure, misuse } from './failures.ts'
import { print } from './output.ts'

/** What every command takes. */
export interface CommonOptions {
  server?: string
  json?: boolean
}

const standardServer = 'http://localhost:8000'

/**
 * A client of the server that was named, in the options, by STOCKROOM_URL or at the last login, with the token of
 * STOCKROOM_TOKEN or of the login there.
 */
export async function openSession({ server }: CommonOptions, signal: AbortSignal): Promise<Client> {
  const credentials = await readCredentials()
  const baseUrl = addressOf(server, credentials)
  const token = process.env['STOCKROOM_TOKEN'] || credentials.accounts[baseUrl]?.token
  return createClient({ baseUrl, token, signal })
}

/** Signs in, and keeps the token for the calls that follow. */
export async function logIn(options: CommonOptions & { email?: string }, signal: AbortSignal): Promise<void> {
  const credentials = await readCredentials()
  const server = addressOf(options.server, credentials)
  if (isOverheard(server)) console.error(`Mind that ${server} is not encrypted: others may read the password.`)
  const { email, password } = await askForPassword(options.email, server)
  const token = await createClient({ baseUrl: server, signal }).logIn({ email, password })

  const expires = new Date(Date.now() + token.expires_in * 1000)
  const account = { email, token: token.access_token, expires_at: expires.toISOString() }
  await writeCredentials({ server, accounts: { ...credentials.accounts, [server]: account } })
  print(options, { server, email, expires_at: account.expires_at }, () => [
    `Signed in at ${server} as ${email}, until ${expires.toLocaleString('sv').slice(0, 16)}.`,
  ])
}

/** Ends the token on the server first, so that it is not forgotten while it is still worth something. */
export async function logOut(options: CommonOptions & { everywhere?: boolean }, signal: AbortSignal): Promise<void> {
  const credentials = await readCredentials()
  const server = addressOf(options.server, credentials)
  const { [server]: account, ...accounts } = credentials.accounts
  const token = process.env['STOCKROOM_TOKEN'] || account?.token
  if (token !== undefined) {
    await createClient({ baseUrl: server, token, signal }).logOut({ everywhere: options.everywhere ?? false })
  }
  if (account !== undefined) await writeCredentials({ ...credentials, accounts })
  const done = token === undefined ? `You were not signed in at ${server}.` : `Signed out at ${server}.`
  print(options, { server, signed_out: token !== undefined }, () => [done])
}

function addressOf(server: string | undefined, credentials: Credentials): string {
  const given = server ?? (process.env['STOCKROOM_URL'] || (credentials.server ?? standardServer))
  const url = URL.parse(given)
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw misuse(`The server has to be an address such as ${standardServer}, and not ${given}`)
  }
  return url.href.replace(/\/+$/, '')
}

function isOverheard(server: string): boolean {
  const { protocol, hostname } = new URL(server)
  return protocol === 'http:' && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)
}

async function askForPassword(given: string | undefined, server: string) {
  if (!process.stdin.isTTY) {
    if (given === undefined) {
      throw misuse('Without a terminal to ask on, --email has to be given, and the password piped in.')
    }
    return { email: given, password: await firstLine() }
  }
  using terminal = openTerminal(() => new Failure('\nYou were not signed in.'))
  const email = given ?? (await terminal.ask('E-mail address: '))
  return { email, password: await terminal.askUnseen(`Password for ${server}: `) }
}
