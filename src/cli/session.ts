import type { Command } from 'commander'

import { type Client, createClient } from '../client/client.ts'
import { isBearerToken } from '../client/shapes.ts'
import { resolveServerUrl, isUnencrypted } from './addresses.ts'
import { type Credentials, readCredentials, writeCredentials } from './credentials.ts'
import { usageError } from './errors.ts'
import { moment, print } from './output.ts'
import { askForManager, askForPassword, askForReset } from './questions.ts'
import { visible } from './terminal.ts'

export interface CommonOptions {
  server?: string
  json?: boolean
}

export function refuseServer(command: Command, name: string): void {
  if (command.optsWithGlobals<CommonOptions>().server === undefined) return
  throw usageError(`${name} does not call a service. Remove --server.`)
}

export async function openSession({ server }: CommonOptions, signal: AbortSignal): Promise<Client> {
  const credentials = await readCredentials()
  const baseUrl = resolveServerUrl(server, credentials)
  const token = givenToken() ?? credentials.accounts[baseUrl]?.token
  return createClient({ baseUrl, token, signal })
}

export function inSession(signal: AbortSignal) {
  return <Options extends object>(
    act: (client: Client, options: Options & CommonOptions, args: string[]) => Promise<void>,
  ) =>
    async (...given: unknown[]) => {
      const command = given.at(-1) as Command
      const options = command.optsWithGlobals<Options & CommonOptions>()
      await act(await openSession(options, signal), options, command.args)
    }
}

export async function register(options: CommonOptions & { name?: string; email?: string }, signal: AbortSignal) {
  const credentials = await readCredentials()
  const server = resolveServerUrl(options.server, credentials)
  warnIfUnencrypted(server)
  const { name, email, password } = await askForManager(options, server)
  const client = createClient({ baseUrl: server, signal })
  const manager = await client.register({ name, email, password })
  const expires = await signIn(client, { email, password }, credentials)
  print(options, { server, ...manager, expires_at: expires.toISOString() }, () => [
    `Registered ${visible(manager.email)} with the ID ${visible(manager.id)}.`,
    signedIn(server, email, expires),
  ])
}

export async function resetPassword(options: CommonOptions & { code?: string }, signal: AbortSignal): Promise<void> {
  const credentials = await readCredentials()
  const server = resolveServerUrl(options.server, credentials)
  warnIfUnencrypted(server)
  const { code, password } = await askForReset(options, server)
  const client = createClient({ baseUrl: server, signal })
  const { email } = await client.resetPassword({ code, password })
  const expires = await signIn(client, { email, password }, credentials)
  print(options, { server, email, expires_at: expires.toISOString() }, () => [signedIn(server, email, expires)])
}

export async function logIn(options: CommonOptions & { email?: string }, signal: AbortSignal): Promise<void> {
  const credentials = await readCredentials()
  const server = resolveServerUrl(options.server, credentials)
  warnIfUnencrypted(server)
  const { email, password } = await askForPassword(options, server)
  const expires = await signIn(createClient({ baseUrl: server, signal }), { email, password }, credentials)
  print(options, { server, email, expires_at: expires.toISOString() }, () => [signedIn(server, email, expires)])
}

/** Revokes the token before forgetting it, so that no valid token is lost. */
export async function logOut(options: CommonOptions & { everywhere?: boolean }, signal: AbortSignal): Promise<void> {
  const credentials = await readCredentials()
  const server = resolveServerUrl(options.server, credentials)
  const { [server]: account, ...accounts } = credentials.accounts
  const token = givenToken() ?? account?.token
  if (token !== undefined) {
    await createClient({ baseUrl: server, token, signal }).logOut({ everywhere: options.everywhere ?? false })
  }
  if (account !== undefined) await writeCredentials({ ...credentials, accounts })
  const done = token === undefined ? `You were not signed in at ${server}.` : `Signed out at ${server}.`
  print(options, { server, signed_out: token !== undefined }, () => [done])
}

async function signIn(client: Client, login: { email: string; password: string }, credentials: Credentials) {
  const token = await client.logIn(login)
  const expires = new Date(Date.now() + token.expires_in * 1000)
  const account = { email: login.email, token: token.access_token, expires_at: expires.toISOString() }
  const accounts = { ...credentials.accounts, [client.baseUrl]: account }
  await writeCredentials({ server: client.baseUrl, accounts })
  return expires
}

function signedIn(server: string, email: string, expires: Date): string {
  return `Signed in at ${server} as ${visible(email)}, until ${moment(expires)}.`
}

function givenToken(): string | undefined {
  const token = process.env['STOCKROOM_TOKEN']?.trim()
  if (!token) return undefined
  if (isBearerToken(token)) return token
  throw usageError(
    'STOCKROOM_TOKEN is not a valid token: it contains a space, a line break, or another invalid character.',
  )
}

function warnIfUnencrypted(server: string): void {
  if (isUnencrypted(server)) console.error(`Warning: ${server} is unencrypted; your password could be intercepted.`)
}
