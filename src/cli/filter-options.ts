import { type Command, InvalidArgumentError, Option } from 'commander'

import type { ExportQuery } from '../client/client.ts'
import { exactNumber } from '../http/body-parsers.ts'
import { jsonNumber } from '../http/query-parameters.ts'

/** What the options of `withSelection` come to. */
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

/** Adds the options that say which items, in which order. */
export function withSelection(command: Command): Command {
  return command
    .option('--category <category>', 'of this category; given several times: of one of these', gather)
    .option('--in-stock', 'that can be bought now')
    .addOption(new Option('--out-of-stock', 'that cannot be bought now').conflicts('inStock'))
    .option('--mine', 'of the manager who is signed in')
    .addOption(new Option('--owner <id>', 'of this manager').conflicts('mine'))
    .option('--min-price <usd>', 'that cost this or more', price)
    .option('--max-price <usd>', 'that cost this or less', price)
    .option('--search <words>', 'with all of these words in their names')
    .addOption(
      new Option('--sort <order>', 'with - in front the other way round: --sort=-name')
        .choices(['id', '-id', 'name', '-name', 'price_usd', '-price_usd'])
        .default(undefined, 'by age'),
    )
}

/** An option that is given several times. Variadic ones would take the arguments behind them too. */
export function gather(value: string, earlier: string[] = []): string[] {
  return [...earlier, value]
}

/** The query for what was chosen. */
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

/** Reads a price, written as JSON writes numbers. @throws InvalidArgumentError if it is none, or one that would be rounded */
export function price(text: string): number {
  if (/^\d+,\d+$/.test(text)) throw new InvalidArgumentError('Write it with a point: 4.99.')
  if (!jsonNumber.test(text)) throw new InvalidArgumentError('It is not a price: write it as 4.99.')
  const value = exactNumber(text)
  if (!Number.isFinite(value)) throw new InvalidArgumentError('It has more digits than a price can hold.')
  if (value < 0) throw new InvalidArgumentError('A price is at least 0.')
  return value
}

/** Reads the version of an item, as `items get` shows it or as its ETag. @throws InvalidArgumentError if it is none */
export function version(text: string): string {
  const [, tag] = /^(?:W\/)?"?(\d+)"?$/.exec(text) ?? []
  if (tag === undefined) throw new InvalidArgumentError('It is not a version, which is a number.')
  return tag
}

/** Reads a whole number from 1. @throws InvalidArgumentError if it is none */
export function count(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It is not a whole number from 1.')
  return Number(text)
}
