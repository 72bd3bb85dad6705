import { type Command, InvalidArgumentError, Option } from 'commander'

import { type BulkOptions, changeInBulk } from './bulk.ts'
import { amount, count, gather, price, withFilters } from './filter-options.ts'
import { type CommonOptions, openSession } from './session.ts'

const help = `
Select items with filters, or with --id. Say with one of --set-…, --price-…, or --delete how they change. On a terminal, the
command shows what would change and asks for confirmation; elsewhere, pass --dry-run or --yes. Items of other managers are
left out, unless the service lets everyone change them.`

export function addBulkCommand(group: Command, signal: AbortSignal): void {
  withFilters(group.command('bulk').description('change or delete many items in one transaction'))
    .option('--id <id>', 'only the item with this ID; repeatable', gather)
    .option('--set-category <category>', 'new category')
    .option('--set-price <usd>', 'new price in US dollars', price)
    .option('--set-in-stock <boolean>', 'mark as in stock (true) or out of stock (false)', boolean)
    .option('--price-percent <number>', 'change prices by this percentage, as in 10 or -2.5', amount)
    .addOption(
      new Option('--price-add <usd>', 'add these US dollars to prices, as in 0.5 or -1')
        .argParser(amount)
        .conflicts('pricePercent'),
    )
    .option('--round <usd>', 'round new prices to a multiple of this, as in 0.01', price)
    .option('--delete', 'delete the items')
    .option('--dry-run', 'show what would change')
    .addOption(new Option('--expect <count>', 'only if the selection matches this many items').argParser(count))
    .option('--yes', 'skip the preview and the confirmation')
    .addHelpText('after', help)
    .action(async (_options: object, command: Command) => {
      const options = command.optsWithGlobals<CommonOptions & BulkOptions>()
      await changeInBulk(await openSession(options, signal), options)
    })
}

function boolean(text: string): boolean {
  if (text !== 'true' && text !== 'false') throw new InvalidArgumentError('Must be true or false.')
  return text === 'true'
}
