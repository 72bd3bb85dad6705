import { CliError, usageError } from './errors.ts'
import { firstLine, openTerminal, type Terminal } from './terminal.ts'

interface Login {
  email: string
  password: string
}

export async function askForPassword(given: { email?: string }, server: string): Promise<Login> {
  if (!process.stdin.isTTY) {
    if (given.email !== undefined) return { email: given.email, password: await firstLine(usageError) }
    throw usageError('There is no terminal to prompt on. Pass --email, and pipe the password in.')
  }
  using terminal = openTerminal(() => new CliError('\nSign-in canceled.'))
  const email = given.email ?? (await terminal.ask('Email address: '))
  return { email, password: await terminal.askUnseen(`Password for ${server}: `) }
}

export async function askForManager(
  given: { name?: string; email?: string },
  server: string,
): Promise<Login & { name: string }> {
  if (!process.stdin.isTTY) {
    const { name, email } = given
    if (name !== undefined && email !== undefined) return { name, email, password: await firstLine(usageError) }
    throw usageError('There is no terminal to prompt on. Pass --name and --email, and pipe the password in.')
  }
  const nothingDone = 'No manager was created.'
  using terminal = openTerminal(() => new CliError(`\n${nothingDone}`))
  const name = given.name ?? (await terminal.ask('Name: '))
  const email = given.email ?? (await terminal.ask('Email address: '))
  return { name, email, password: await askForNewPassword(terminal, server, nothingDone) }
}

export async function askForReset(
  given: { code?: string },
  server: string,
): Promise<{ code: string; password: string }> {
  if (!process.stdin.isTTY) {
    if (given.code !== undefined) return { code: given.code, password: await firstLine(usageError) }
    throw usageError('There is no terminal to prompt on. Pass --code, and pipe the password in.')
  }
  const nothingDone = 'The password was not changed.'
  using terminal = openTerminal(() => new CliError(`\n${nothingDone}`))
  const code = given.code ?? (await terminal.ask('Reset code: '))
  return { code, password: await askForNewPassword(terminal, server, nothingDone) }
}

/** @throws CliError that says `nothingDone`, unless the reply is yes */
export async function confirm(question: string, nothingDone: string): Promise<void> {
  using terminal = openTerminal(() => new CliError(`\n${nothingDone}`))
  const answer = await terminal.ask(question)
  if (answer.trim().toLowerCase() !== 'yes') throw new CliError(nothingDone)
}

async function askForNewPassword(terminal: Terminal, server: string, nothingDone: string): Promise<string> {
  const password = await terminal.askUnseen(`New password for ${server}: `)
  if (password === (await terminal.askUnseen('Repeat password: '))) return password
  throw new CliError(`Passwords do not match. ${nothingDone}`)
}
