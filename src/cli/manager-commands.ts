import type { Command } from 'commander'

import type * as Managers from './managers.ts'
import { refuseServer } from './session.ts'

const help = `
These commands work directly on the database, whether or not the service is running: on the PostgreSQL of the POSTGRES_*
settings (from the environment or a .env file), or on the embedded one in DATA_DIR. They need neither JWT_SECRET nor a token.`

export function addManagerCommands(program: Command, signal: AbortSignal): void {
  const group = program
    .command('manager')
    .description('manage store manager accounts, directly on the database')
    .addHelpText('after', help)
    .hook('preAction', (_, command) => refuseServer(command, 'manager'))
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

  add('create', 'create an account; prompts for missing values and the password')
    .option('--name <name>')
    .option('--email <address>')
    .action(async (_options: object, command: Command) => {
      const { createManager } = await import('./create-manager.ts')
      await createManager(command.optsWithGlobals(), signal)
    })
  add('list', 'list all managers').action(run('list'))
  add('show <manager>', 'show a manager, by email address or ID').action(run('show'))
  add('disable <manager>', 'revoke all tokens of a manager and refuse logins').action(run('disable'))
  add('enable <manager>', 'let a disabled manager log in again').action(run('enable'))
  add('logout <manager>', 'revoke all tokens of a manager').action(run('logOut'))
  add('reset-password <manager>', 'issue a single-use code for a new password, valid for an hour').action(
    run('resetPassword'),
  )
  add('transfer <from> <to>', 'move all items of a manager to another').action(run('transfer'))
  add('delete <manager>', 'delete a manager who owns no items; asks for confirmation')
    .option('--transfer-to <manager>', 'move their items to this manager first')
    .option('--yes', 'skip the confirmation')
    .action(run('remove'))
}
