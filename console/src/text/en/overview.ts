import { plural } from './plural.ts'

export const overview = {
  title: 'Overview',
  whose: 'Whose items',
  allItems: 'All items',
  myItems: 'My items',
  items: 'Items',
  inStock: 'In stock',
  soldOut: 'Sold out',
  sum: 'Sum of prices',
  tooLarge: 'Too large to show',
  byCategory: 'By category',
  byPrice: 'By price',
  category: 'Category',
  price: 'Price',
  share: 'Share',
  range: (from: string, to: string) => `${from} to ${to}`,
  andMore: (from: string) => `${from} and more`,
  perDay: 'Changes in the last 30 days',
  myPerDay: 'My changes in the last 30 days',
  onDay: (day: string, changes: number) => plural(changes, { one: `${day}: # change`, other: `${day}: # changes` }),
  noChanges: 'There were none.',
  partial: (changes: number) =>
    plural(changes, { one: 'Only the latest change is counted.', other: 'Only the latest # changes are counted.' }),
  noneOfYours: 'You have no items yet.',
}
