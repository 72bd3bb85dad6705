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

/** In code points. */
export const maxNameLength = 64
