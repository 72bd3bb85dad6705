import { type Command, InvalidArgumentError, Option } from 'commander'

import type { ExportQuery } from '../client/client.ts'
import { exactNumber } from '../http/body-parsers.ts'
import { jsonNumber } from '../http/query-parameters.ts'

export interface SelectionOptions {
  category?: string[]
  inStock?: true
  outOfStock?: true
  mine?: boolean
  owner?: string
  minPrice?: number
  maxPrice?: number
  search?: string
  sort?: NonNullable<ExportQuery['sort']>
}

export function withSelection(command: Command): Command {
  return withFilters(command).addOption(
    new Option('--sort <order>', 'sort field; prefix - for descending: --sort=-name')
      .choices(['id', '-id', 'name', '-name', 'price_usd', '-price_usd', 'updated_at', '-updated_at'])
      .default(undefined, 'oldest first'),
  )
}

export function withFilters(command: Command): Command {
  return command
    .option('--category <category>', 'only items of this category; repeatable', gather)
    .option('--in-stock', 'only items in stock')
    .addOption(new Option('--out-of-stock', 'only items out of stock').conflicts('inStock'))
    .option('--mine', 'only your own items')
    .addOption(new Option('--owner <id>', 'only items of this manager').conflicts('mine'))
    .option('--min-price <usd>', 'minimum price', price)
    .option('--max-price <usd>', 'maximum price', price)
    .option('--search <words>', 'words that must all occur in the name')
}

/** For repeatable options. Variadic ones would consume the arguments after them. */
export function gather(value: string, earlier: string[] = []): string[] {
  return [...earlier, value]
}

export function toQuery(options: SelectionOptions): ExportQuery {
  const { category, mine, owner, minPrice, maxPrice, search, sort } = options
  const wanted = {
    category: category as ExportQuery['category'],
    in_stock: options.inStock ?? (options.outOfStock && false),
    store_manager_id: mine ? 'me' : owner,
    min_price: minPrice,
    max_price: maxPrice,
    q: search,
    sort,
  }
  return Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined))
}

export function price(text: string): number {
  const value = amount(text)
  if (value < 0) throw new InvalidArgumentError('Must be at least 0.')
  return value
}

export function amount(text: string): number {
  if (/^\d+,\d+$/.test(text)) throw new InvalidArgumentError('Use a decimal point, as in 4.99.')
  if (!jsonNumber.test(text)) throw new InvalidArgumentError('Not a valid number. Write it as 4.99.')
  const value = exactNumber(text)
  if (!Number.isFinite(value)) throw new InvalidArgumentError('Too many digits for a number.')
  return value
}

export function version(text: string): string {
  const [, tag] = /^(?:W\/)?"?(\d+)"?$/.exec(text) ?? []
  if (tag === undefined) throw new InvalidArgumentError('Not a version. Versions are whole numbers.')
  return tag
}

export function count(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('Must be a whole number of at least 1.')
  return Number(text)
}
