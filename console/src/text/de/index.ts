import type { Text } from '../text.ts'
import { items } from './items.ts'
import { shell } from './shell.ts'

export const de: Text = { shell, items }
