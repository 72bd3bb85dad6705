import { type Command, InvalidArgumentError, Option } from 'commander'

import * as changes from './changes.ts'
import { count } from './filter-options.ts'
import { inSession } from './session.ts'

const kinds = ['create', 'update', 'delete', 'import', 'bulk', 'undo', 'transfer']

const undoHelp = `
Items that have changed since are reported on standard error with the reason, and the exit code is 1. Without
--skip-conflicts, nothing is written then. The undo is a change set of its own, so it can be undone.`

export function addChangeCommands(program: Command, signal: AbortSignal): void {
  const run = inSession(signal)

  const group = program.command('changes').description('list and show recorded changes')
  group
    .command('list', { isDefault: true })
    .description('list change sets, newest first')
    .option('--mine', 'only your own changes')
    .addOption(new Option('--manager <id>', 'only changes by this manager').conflicts('mine'))
    .addOption(new Option('--kind <kind>', 'only changes of this kind').choices(kinds))
    .option('--item <id>', 'only changes of this item')
    .option('--since <time>', 'only changes at this time or later, as in 2025-11-10 or 2025-11-10T15:30', time)
    .option('--until <time>', 'only changes before this time', time)
    .addOption(new Option('--limit <count>', 'maximum number of change sets').argParser(count).default(20))
    .action(run(changes.list))
  group
    .command('show <id>')
    .description('show a change set and what it changed')
    .addOption(new Option('--limit <count>', 'maximum number of items').argParser(count).default(100))
    .action(run<{ limit: number }>((client, options, [id = '']) => changes.show(client, id, options)))
  program
    .command('undo <id>')
    .description('restore what a change set changed')
    .option('--dry-run', 'report what would be written')
    .option('--skip-conflicts', 'leave items as they are that have changed since')
    .addHelpText('after', undoHelp)
    .action(
      run<{ dryRun?: true; skipConflicts?: true }>((client, options, [id = '']) => changes.undo(client, id, options)),
    )
}

/** A date is the beginning of that day, and a time without a zone is local. */
function time(text: string): string {
  const value = new Date(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00` : text)
  if (!/^\d{4}-/.test(text) || Number.isNaN(value.getTime()))
    throw new InvalidArgumentError('Not a valid time. Write it as 2025-11-10 or 2025-11-10T15:30.')
  return value.toISOString()
}
