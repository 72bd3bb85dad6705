import { ConfigError } from '../config/config.ts'
import { firstLine, openTerminal } from './terminal.ts'

export interface NewManager {
  name: string
  email: string
  password: string
}

/** Asks on the terminal for the password, and for what is not `given`. Without a terminal the first line is the password. */
export async function askForManager(given: { name?: string; email?: string }): Promise<NewManager> {
  if (process.stdin.isTTY) return askOnTerminal(given)
  const { name, email } = given
  if (name === undefined || email === undefined) {
    throw new ConfigError('There is no terminal to prompt on. Pass --name and --email, and pipe the password in.')
  }
  return { name, email, password: await firstLine((message) => new ConfigError(message)) }
}

async function askOnTerminal(given: { name?: string; email?: string }): Promise<NewManager> {
  using terminal = openTerminal(() => new ConfigError('\nNo manager was created.'))
  const name = given.name ?? (await terminal.ask('Name: '))
  const email = given.email ?? (await terminal.ask('Email address: '))
  const password = await terminal.askUnseen('Password: ')
  if (password === (await terminal.askUnseen('Repeat password: '))) return { name, email, password }
  throw new ConfigError('Passwords do not match. No manager was created.')
}
