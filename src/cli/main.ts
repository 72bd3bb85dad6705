import { Command, CommanderError, Option } from 'commander'

import packageJson from '../../package.json' with { type: 'json' }
import { describeSettings } from '../config/settings.ts'
import { addChangeCommands } from './change-commands.ts'
import { describe, exitCodes, thisCommand } from './errors.ts'
import { addFollowCommand } from './follow.ts'
import { addItemCommands } from './item-commands.ts'
import { addManagerCommands } from './manager-commands.ts'
import type { Direction } from './migrate.ts'
import { toJson } from './output.ts'
import { type CommonOptions, logIn, logOut, refuseServer, register, resetPassword } from './session.ts'
import { start } from './start.ts'
import { visible } from './terminal.ts'
import { addTransferCommands } from './transfer-commands.ts'

const epilogue = `
Environment:
  STOCKROOM_URL    URL of the service, unless --server is given
  STOCKROOM_TOKEN  token to use instead of the stored one
  NO_COLOR         disable bold text

Exit codes: 0 success, 1 failure, 2 usage error, 3 not signed in, 4 not found.`

const stop = new AbortController()

function build(): Command {
  const program = new Command('stockroom')
    .description('run the Stockroom catalog service and manage its items')
    .version(packageJson.version)
    .option('--server <url>', 'URL of the service [last login, else http://localhost:8000]')
    .option('--json', 'print results and errors as JSON')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ outputError: () => {} })
    .exitOverride()
    .addHelpText('after', epilogue)

  addPrograms(program)
  addManagerCommands(program, stop.signal)
  addSignIn(program)
  addItemCommands(program, stop.signal)
  addTransferCommands(program, stop.signal)
  addChangeCommands(program, stop.signal)
  addFollowCommand(program, stop.signal)
  return program
}

function addPrograms(program: Command): void {
  program
    .command('start')
    .description('start the service')
    .addHelpText('after', `\nSettings, from the environment or a .env file:\n${describeSettings()}`)
    .hook('preAction', (_, command) => refuseServer(command, 'start'))
    .action(start)
  program
    .command('sessions')
    .description('manage the sessions of all managers, directly on the database')
    .hook('preAction', (_, command) => refuseServer(command, 'sessions'))
    .command('end')
    .description('revoke all tokens and reset codes, as after a restore to the past')
    .option('--all', 'of all managers')
    .action(async (_options: object, command: Command) => {
      const { endSessions } = await import('./sessions.ts')
      await endSessions(command.optsWithGlobals(), stop.signal)
    })
  program
    .command('migrate')
    .description('apply migrations (up), revert the last one (down), or show their status')
    .hook('preAction', (_, command) => refuseServer(command, 'migrate'))
    .addArgument(program.createArgument('[direction]', 'action').choices(['up', 'down', 'status']).default('up'))
    .action(async (direction: Direction, _options: object, command: Command) => {
      // Loaded on demand, because it takes as long to load as the service.
      const { migrate } = await import('./migrate.ts')
      await migrate(direction, command.optsWithGlobals<CommonOptions>(), stop.signal)
    })
}

function addSignIn(program: Command): void {
  program
    .command('register')
    .description('create an account and sign in; prompts for missing values and the password')
    .option('--name <name>')
    .option('--email <address>')
    .action((_options: object, command: Command) => register(command.optsWithGlobals<CommonOptions>(), stop.signal))
  program
    .command('login')
    .description('sign in and store the token; prompts for the password')
    .option('--email <address>')
    .action((_options: object, command: Command) => logIn(command.optsWithGlobals<CommonOptions>(), stop.signal))
  program
    .command('reset-password')
    .description('set a new password with a reset code and sign in; prompts for both')
    .option('--code <code>', 'reset code from the operator')
    .action((_options: object, command: Command) =>
      resetPassword(command.optsWithGlobals<CommonOptions>(), stop.signal),
    )
  program
    .command('logout')
    .description('revoke the token and delete it from this computer')
    .addOption(new Option('--everywhere', 'revoke every token of the manager, on all devices'))
    .action((_options: object, command: Command) => logOut(command.optsWithGlobals<CommonOptions>(), stop.signal))
}

function report(error: unknown, json: boolean): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return exitCodes.ok
    // Without a command, commander has printed the help already.
    if (error.code !== 'commander.help')
      printError(visible(`${toSentence(error.message)} See ${thisCommand} help.`), json)
    return exitCodes.usage
  }
  const { message, exitCode, problem } = describe(error)
  printError(message, json, problem)
  return exitCode
}

function toSentence(message: string): string {
  const line = message.replace(/^error: /, '').replaceAll(/\s*\n/g, ' ')
  return /[.)]$/.test(line) ? line : `${line}.`
}

/** A mistyped URL may contain a password. */
function printError(message: string, json: boolean, problem: unknown = { detail: message }): void {
  console.error((json ? toJson(problem) : message).replaceAll(/\/\/\S*@/g, '//…@'))
}

const program = build()
const ended = { SIGINT: 130, SIGTERM: 143 }
for (const [signal, code] of Object.entries(ended)) {
  process.on(signal, () => {
    process.exitCode = code
    stop.abort()
  })
}
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') process.exit(1)
  // The reader has seen enough, as `head` does.
  stop.abort()
})

try {
  await program.parseAsync()
} catch (error) {
  if (!stop.signal.aborted) process.exitCode = report(error, program.opts<CommonOptions>().json ?? false)
}
// A statement of a migration may still be running.
if (stop.signal.aborted) process.exit()
