/** The password of every manager of the tests. */
export const password = 'correct horse battery'

/** The manager whom most tests sign in. */
export const ada = { name: 'Ada Lovelace', email: 'ada@example.com' } as const

/** An item as a manager creates it. */
export const tea = { name: 'Green tea', category: 'Grocery', price_usd: 4.99, in_stock: true } as const
