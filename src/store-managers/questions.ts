import * as readline from 'node:readline'
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'

import { ConfigError } from '../config.ts'

export interface NewManager {
  name: string
  email: string
  password: string
}

/**
 * Asks on the terminal for the password, and for what is not `given`. Without a terminal the first line is the password.
 *
 * @throws ConfigError if something is missing, the passwords differ, or whoever is asked gives up
 */
export async function askForManager(given: { name?: string; email?: string }): Promise<NewManager> {
  if (process.stdin.isTTY) return askOnTerminal(given)
  const { name, email } = given
  if (name === undefined || email === undefined) {
    throw new ConfigError(
      'Without a terminal to ask on, --name and --email have to be given, and the password piped in.',
    )
  }
  return { name, email, password: await firstLine() }
}

async function askOnTerminal(given: { name?: string; email?: string }): Promise<NewManager> {
  using terminal = openTerminal()
  const name = given.name ?? (await terminal.ask('Name: '))
  const email = given.email ?? (await terminal.ask('E-mail address: '))
  const password = await terminal.askUnseen('Password: ')
  if (password === (await terminal.askUnseen('The same again: '))) return { name, email, password }
  throw new ConfigError('These were two different passwords. Nobody was registered.')
}

function openTerminal() {
  let isSilent = false
  // What is typed is shown by readline alone, which writes here; the terminal itself is in raw mode.
  const output = new Writable({
    write(chunk, _encoding, done) {
      if (!isSilent) process.stderr.write(chunk)
      done()
    },
  })
  const lines = createInterface({ input: process.stdin, output, terminal: true })
  const closed = new AbortController()
  lines.once('close', () => closed.abort())

  const ask = (question: string) =>
    lines.question(question, { signal: closed.signal }).catch(() => {
      throw new ConfigError('\nNobody was registered.')
    })
  return {
    ask,
    async askUnseen(question: string) {
      process.stderr.write(question)
      isSilent = true
      const answer = await ask('')
      isSilent = false
      process.stderr.write('\n')
      return answer
    },
    [Symbol.dispose]: () => lines.close(),
  }
}

async function firstLine(): Promise<string> {
  for await (const line of readline.createInterface({ input: process.stdin })) return line
  return ''
}
