import { parseArgs } from 'node:util'

import type { Logger } from 'pino'

import { buildApp } from '../app.ts'
import { type Config, ConfigError } from '../config/config.ts'
import { openContext } from '../context.ts'
import type { Server } from '../database/server.ts'
import { logOperation } from '../http/security-events.ts'
import { readOperatorConfig, withServer } from '../operator/database.ts'
import { explain } from '../startup-error.ts'
import { askForManager, type NewManager } from './password-prompt.ts'

const usage = `Registers a store manager, also where REGISTRATION=closed keeps strangers from doing so.

Usage: npm run manager:create [-- --name <name> --email <e-mail address>]

It asks for what is not given, and for the password, which it does not show. Where there is no terminal to ask on, the
password is the first line of the standard input, and the other two have to be given.`

async function main(args: string[]): Promise<void> {
  const { help, ...given } = readOptions(args)
  if (help) return console.log(usage)
  const config = readOperatorConfig()
  const manager = await askForManager(given)
  const id = await withServer(config, new AbortController().signal, async (server, log) => {
    const registered = await register(config, server, log, manager)
    logOperation(log, 'account_registered', { manager: registered })
    return registered
  })
  console.log(`Registered ${manager.email} with the id ${id}.`)
}

// A password among them would be in the history of the shell, and shown by ps.
function readOptions(args: string[]) {
  try {
    const options = { name: { type: 'string' }, email: { type: 'string' }, help: { type: 'boolean' } } as const
    return parseArgs({ args, options }).values
  } catch (error) {
    throw new ConfigError(`${(error as Error).message}\n\n${usage}`)
  }
}

/** Registers by the route that everybody uses, so that the same is checked, and said. @returns the id */
async function register(config: Config, server: Server, log: Logger, manager: NewManager): Promise<string> {
  const limits = { ...config.limits, registrationsPerAddress: 0 }
  const open: Config = { ...config, registration: 'open', limits, redis: undefined }
  const context = await openContext(open, server, '', log.child({}, { level: 'error' }))
  const app = await buildApp(context)
  try {
    const answer = await app.inject({ method: 'POST', url: '/store-managers', payload: manager })
    if (answer.statusCode !== 201) throw new ConfigError(describeProblem(answer.json()))
    return answer.json<{ id: string }>().id
  } finally {
    await app.close()
    await context.close()
  }
}

function describeProblem({ detail, errors }: { detail: string; errors?: { loc: string[]; msg: string }[] }): string {
  return errors?.map(({ loc, msg }) => `The ${loc.at(-1)} ${msg}.`).join('\n') ?? detail
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  console.error(explain(error))
  process.exitCode = 1
}
