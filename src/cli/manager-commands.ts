import type { Command } from 'commander'

import { usageError } from './errors.ts'
import type * as Managers from './managers.ts'
import type { CommonOptions } from './session.ts'
import { createManager } from './start.ts'

const help = `
These commands work on the database itself, whether the service runs or not: on the PostgreSQL that POSTGRES_HOST and so on
name, in the environment or in a file .env, or else on the embedded one in DATA_DIR. They need no JWT_SECRET and no token.`

/** Adds `manager` and its commands, which work on the database instead of a service. */
export function addManagerCommands(program: Command, signal: AbortSignal): void {
  const group = program
    .command('manager')
    .description('managing the accounts of managers, as the operator of the database')
    .addHelpText('after', help)
    .hook('preAction', (_, command) => refuseServer(command.optsWithGlobals<CommonOptions>()))
  const add = (usage: string, description: string) =>
    group.command(usage).description(description).addHelpText('after', help)
  // Loaded on demand, because it takes as long to load as the service.
  const run =
    (name: Exclude<keyof typeof Managers, 'onDatabase'>) =>
    async (...given: unknown[]) => {
      const command = given.at(-1) as Command
      const managers = await import('./managers.ts')
      const action: Managers.Action = managers[name]
      const [who = '', other = ''] = command.args
      await managers.onDatabase(signal, (database) => action(database, command.optsWithGlobals(), who, other))
    }

  add('create', 'register a manager; asks for what is not given, and for the password')
    .option('--name <name>')
    .option('--email <address>')
    .action(createManager)
  add('list', 'list all managers').action(run('list'))
  add('show <manager>', 'show a manager, who is named by e-mail address or ID').action(run('show'))
  add('disable <manager>', 'end all tokens of a manager, and refuse logins').action(run('disable'))
  add('enable <manager>', 'let a disabled manager log in again').action(run('enable'))
  add('logout <manager>', 'end all tokens of a manager').action(run('logOut'))
  add(
    'reset-password <manager>',
    'issue a code with which a manager may set a new password, once, within an hour',
  ).action(run('resetPassword'))
  add('transfer <from> <to>', 'move all items of a manager to another').action(run('transfer'))
  add('delete <manager>', 'delete a manager who owns no items; asks before')
    .option('--transfer-to <manager>', 'move their items to this manager first')
    .option('--yes', 'do not ask')
    .action(run('remove'))
}

function refuseServer({ server }: CommonOptions): void {
  if (server === undefined) return
  throw usageError('manager works on the database that the settings name: leave --server out.')
}
