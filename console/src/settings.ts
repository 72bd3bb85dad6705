import { effect, signal } from '@preact/signals'

import { readStored, store } from './storage.ts'

export type Theme = 'system' | 'light' | 'dark'

// theme.js reads the first one before the first paint.
const themeKey = 'stockroom-theme'
const keysKey = 'stockroom-keys'

export const theme = signal<Theme>(toTheme(readStored(themeKey)))
/** Whether single letters act as keys. */
export const areKeysOn = signal(readStored(keysKey) !== 'off')

export function keepSettings(): void {
  effect(() => {
    store(themeKey, theme.value === 'system' ? undefined : theme.value)
    if (theme.value === 'system') delete document.documentElement.dataset['theme']
    else document.documentElement.dataset['theme'] = theme.value
  })
  effect(() => store(keysKey, areKeysOn.value ? undefined : 'off'))
}

function toTheme(stored: string | undefined): Theme {
  return stored === 'light' || stored === 'dark' ? stored : 'system'
}
