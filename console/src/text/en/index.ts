import { items } from './items.ts'
import { shell } from './shell.ts'

/** What the first screen needs. */
export const en = { shell, items }
