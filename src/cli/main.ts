import { Command, CommanderError, Option } from 'commander'

import packageJson from '../../package.json' with { type: 'json' }
import { describeSettings } from '../config/config.ts'
import { describe, exitCodes, thisCommand } from './errors.ts'
import { addItemCommands } from './item-commands.ts'
import { addManagerCommands } from './manager-commands.ts'
import { toJson } from './output.ts'
import { type CommonOptions, logIn, logOut, register, resetPassword } from './session.ts'
import { type Direction, migrate, start } from './start.ts'
import { visible } from './terminal.ts'
import { addTransferCommands } from './transfer-commands.ts'

const epilogue = `
Environment:
  STOCKROOM_URL    the server, unless --server names one
  STOCKROOM_TOKEN  a token to use instead of the one that login keeps
  NO_COLOR         no bold text

Exit codes: 0 done, 1 failed, 2 called wrongly, 3 not signed in, 4 not found.`

/** Ends whatever runs when the command is told to end. */
const stop = new AbortController()

function build(): Command {
  const program = new Command('stockroom')
    .description('The catalogue service of a store: runs it, and works with its items.')
    .version(packageJson.version)
    .option('--server <url>', 'where the service is [of the last login, else http://localhost:8000]')
    .option('--json', 'print results and errors as JSON, for machines')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ outputError: () => {} })
    .exitOverride()
    .addHelpText('after', epilogue)

  addPrograms(program)
  addManagerCommands(program, stop.signal)
  addSignIn(program)
  addItemCommands(program, stop.signal)
  addTransferCommands(program, stop.signal)
  return program
}

function addPrograms(program: Command): void {
  program
    .command('start')
    .description('start the service')
    .addHelpText('after', `\nSettings, from the environment or from a file .env:\n${describeSettings()}`)
    .action(start)
  program
    .command('migrate')
    .description('bring the database to the newest schema, take the last migration back, or tell what is applied')
    .addArgument(program.createArgument('[direction]', 'what to do').choices(['up', 'down', 'status']).default('up'))
    .action((direction: Direction) => migrate(direction))
}

function addSignIn(program: Command): void {
  program
    .command('register')
    .description('register as a manager, and sign in; asks for what is not given, and for the password')
    .option('--name <name>')
    .option('--email <address>')
    .action((_options: object, command: Command) => register(command.optsWithGlobals<CommonOptions>(), stop.signal))
  program
    .command('login')
    .description('sign in, and keep the token; asks for the password')
    .option('--email <address>')
    .action((_options: object, command: Command) => logIn(command.optsWithGlobals<CommonOptions>(), stop.signal))
  program
    .command('reset-password')
    .description('set a new password with the reset code of an operator, and sign in; asks for both')
    .option('--code <code>', 'the reset code')
    .action((_options: object, command: Command) =>
      resetPassword(command.optsWithGlobals<CommonOptions>(), stop.signal),
    )
  program
    .command('logout')
    .description('sign out, and forget the token')
    .addOption(new Option('--everywhere', 'end every token of the manager, on all devices'))
    .action((_options: object, command: Command) => logOut(command.optsWithGlobals<CommonOptions>(), stop.signal))
}

/** One line for people, or one JSON object, on the standard error. */
function tell(error: unknown, json: boolean): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return exitCodes.ok
    // Without a command its help has said everything.
    if (error.code !== 'commander.help') say(visible(`${toSentence(error.message)} See ${thisCommand} help.`), json)
    return exitCodes.usage
  }
  const { message, exitCode, problem } = describe(error)
  say(message, json, problem)
  return exitCode
}

function toSentence(message: string): string {
  const line = message.replace(/^error: /, '').replaceAll(/\s*\n/g, ' ')
  return /[.)]$/.test(line) ? line : `${line}.`
}

/** A password in a mistyped address is not said again. */
function say(message: string, json: boolean, problem: unknown = { detail: message }): void {
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
  if (!stop.signal.aborted) process.exitCode = tell(error, program.opts<CommonOptions>().json ?? false)
}
