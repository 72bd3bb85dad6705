import { plural } from './plural.ts'

const itemsOf = (number: number) => plural(number, { one: '# item', other: '# items' })

const kindOfBulk = {
  price: (number: number) => plural(number, { one: '# price', other: '# prices' }),
  category: itemsOf,
  stock: itemsOf,
}

type Bulk = 'change' | 'delete'
type BulkField = keyof typeof kindOfBulk

/** Of the dialogs over the list of items. */
export const itemDialogs = {
  empty: 'There are no items yet.',
  emptyHow: 'Create your first item, import a spreadsheet, or look around with sample items first.',
  firstItem: 'Create an item',
  importSpreadsheet: 'Import a spreadsheet',
  addSamples: (number: number) => plural(number, { one: 'Add # sample item', other: 'Add # sample items' }),
  addingSamples: 'Adding sample items…',
  priceInDollars: 'Price in US dollars',
  choose: 'Choose…',
  lengthOf: (length: string, most: string) => `${length}/${most}`,
  noName: 'Enter a name.',
  longName: 'Enter a name of at most 64 characters.',
  badName: 'Enter a name with visible characters.',
  noCategory: 'Choose a category.',
  create: 'Create item',
  created: (name: string) => `Created ${name}.`,
  save: 'Save',
  saved: (name: string) => `Saved ${name}.`,
  deleteItem: 'Delete…',
  restore: 'Restore item',
  deletedBy: (by: string, when: string) => `Deleted by ${by}, ${when}.`,
  neverExisted: 'There is no such item, or it was deleted a long time ago.',
  notYours: (owner: string) => `This item belongs to ${owner}. Only its owner can change it.`,
  previousItem: 'Previous item',
  nextItem: 'Next item',
  itemChanged: 'This item has changed in the meantime.',
  conflict: (by: string) => `Changed by ${by} in the meantime. Which value should it have?`,
  takeTheirs: (value: string) => `Use ${value}`,
  keepMine: (value: string) => `Keep my ${value}`,
  history: 'History',
  kinds: { create: 'Created', delete: 'Deleted' },
  becomes: 'becomes',
  newOwner: 'Has a new owner',
  partOf: (number: number) => `Part of a change to ${itemsOf(number)}`,
  wasUndone: 'Undone later',
  priceOverTime: 'Price over time',
  priceFromTo: (first: string, since: string, last: string) => `From ${first} on ${since} to ${last} today`,
  lowest: (price: string) => `Lowest ${price}`,
  highest: (price: string) => `Highest ${price}`,
  bulkWhat: 'What to change',
  bulkTitle: (kind: Bulk, number: number) => `${kind === 'delete' ? 'Delete' : 'Change'} ${itemsOf(number)}`,
  bulkAllTitle: (kind: Bulk, number: number | undefined) =>
    `${kind === 'delete' ? 'Delete' : 'Change'} all ${number === undefined ? 'items' : itemsOf(number)} that match`,
  newCategory: 'New category',
  newStock: 'New stock',
  priceMode: 'How',
  priceModes: {
    'raise-percent': 'Raise by percent',
    'lower-percent': 'Lower by percent',
    raise: 'Raise by amount',
    lower: 'Lower by amount',
    set: 'Set to amount',
  },
  percentage: 'Percent',
  amount: 'US dollars',
  notAnAmount: 'Enter a number such as 10 or 2.50.',
  rounding: 'Round to',
  notRounded: 'Do not round',
  roundTo: (price: string) => price,
  bulkEnter: 'Enter the change to see what it would do.',
  bulkRefused: (number: number) =>
    plural(number, {
      one: '# item cannot have its new price, so nothing would be changed:',
      other: '# items cannot have their new prices, so nothing would be changed:',
    }),
  refusals: {
    greater_than_equal: 'Some would cost less than $0.00.',
    finite_number: 'Some would have too many digits: choose what to round to.',
    other: 'Some cannot have this value.',
  },
  willChange: (kind: Bulk, number: number) => {
    const verb = kind === 'delete' ? 'deleted' : 'changed'
    return plural(number, { one: `# item will be ${verb}.`, other: `# items will be ${verb}.` })
  },
  nothingToChange: 'Nothing would change.',
  unchanged: (number: number) =>
    plural(number, { one: '# already has this value.', other: '# already have this value.' }),
  notOwned: (number: number) =>
    plural(number, { one: '# is not yours and stays as it is.', other: '# are not yours and stay as they are.' }),
  notFound: (number: number) => plural(number, { one: '# no longer exists.', other: '# no longer exist.' }),
  previewOf: (number: number) => plural(number, { one: 'The first item', other: 'The first # items' }),
  now: 'Now',
  afterwards: 'After',
  changing: 'Changing items…',
  bulkAction: (kind: Bulk, field: BulkField, number: number | undefined) => {
    const what = kind === 'delete' ? itemsOf : kindOfBulk[field]
    const verb = kind === 'delete' ? 'Delete' : 'Change'
    return number === undefined ? verb : `${verb} ${what(number)}`
  },
  bulkDone: (kind: Bulk, field: BulkField, number: number) =>
    kind === 'delete' ? `Deleted ${itemsOf(number)}.` : `Changed ${kindOfBulk[field](number)}.`,
  bulkLost: 'The connection was lost. Check in Changes whether this was done before you try again.',
  bulkMoved: 'The number of items that match has changed, so nothing was done. Look at the new numbers first.',
  samplesAdded: (number: number) => plural(number, { one: 'Added # sample item.', other: 'Added # sample items.' }),
  samplesHere: 'The store contains sample items.',
  removeSamples: 'Remove the sample items',
  keepSamples: 'Keep them',
  samplesRemoved: 'Removed the sample items.',
  samplesKept: (number: number) =>
    plural(number, {
      one: 'Removed the sample items, except for # that has been changed.',
      other: 'Removed the sample items, except for # that have been changed.',
    }),
}
