/** What a column may hold, for the tables and for the wire alike. */

export const categories = [
  'Grocery',
  'Household',
  'Electronics',
  'Stationery',
  'Personal Care',
  'Apparel',
  'Home Improvement',
  'Pet',
] as const

/** Longest name of an item or a manager, in code points. */
export const maxNameLength = 64
