import { type Command, Option } from 'commander'

import type { ItemCreate, ItemUpdate } from '../client/client.ts'
import { addBulkCommand } from './bulk-command.ts'
import { count, price, type SelectionOptions, version, withSelection } from './filter-options.ts'
import * as items from './items.ts'
import { inSession } from './session.ts'

interface FieldOptions {
  name?: string
  category?: NonNullable<ItemCreate['category']>
  price?: number
  inStock?: true
  outOfStock?: true
}

export function addItemCommands(program: Command, signal: AbortSignal): void {
  const group = program.command('items').description('list and edit items')
  const run = inSession(signal)

  withSelection(group.command('list').description('list items'))
    .addOption(new Option('--limit <count>', 'maximum number of items').argParser(count).default(100))
    .option('--all', 'list all items')
    .action(run<SelectionOptions & { limit: number; all?: boolean }>(items.list))
  group
    .command('get <id>')
    .description('show an item')
    .action(run((client, options, [id = '']) => items.get(client, id, options)))
  withFields(group.command('add').description('add an item'), true).action(
    run<FieldOptions>((client, options) =>
      items.add(client, { in_stock: true, ...toFields(options) } as ItemCreate, options),
    ),
  )
  withFields(group.command('set <id>').description('change an item'), false)
    .addOption(ifVersion())
    .action(
      run<FieldOptions & { ifVersion?: string }>((client, options, [id = '']) =>
        items.set(client, id, toFields(options), options),
      ),
    )
  group
    .command('rm <id...>')
    .description('delete items')
    .addOption(ifVersion())
    .action(run<{ ifVersion?: string }>((client, options, ids) => items.remove(client, ids, options)))
  addBulkCommand(group, signal)
}

function ifVersion(): Option {
  return new Option('--if-version <version>', 'only if the item is still at this version').argParser(version)
}

function withFields(command: Command, isNew: boolean): Command {
  const field = (flags: string, description: string) => new Option(flags, description).makeOptionMandatory(isNew)
  return command
    .addOption(field('--name <name>', 'name of the item'))
    .addOption(field('--category <category>', 'category of the item'))
    .addOption(field('--price <usd>', 'price in US dollars, as in 4.99').argParser(price))
    .option('--in-stock', isNew ? 'mark as in stock (default)' : 'mark as in stock')
    .addOption(new Option('--out-of-stock', 'mark as out of stock').conflicts('inStock'))
}

function toFields({ name, category, price: usd, inStock, outOfStock }: FieldOptions): ItemUpdate {
  return {
    ...(name !== undefined && { name }),
    ...(category !== undefined && { category }),
    ...(usd !== undefined && { price_usd: usd }),
    ...((inStock ?? outOfStock) && { in_stock: inStock ?? false }),
  }
}
