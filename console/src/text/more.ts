import type { more as en } from './en/more.ts'
import { language } from './text.ts'

/** The texts of the screens that are loaded on demand. */
export type More = typeof en

const others: Record<string, () => Promise<{ more: More }>> = { de: () => import('./de/more.ts') }

/** Read it while rendering such a screen. */
export let more: More

/** In the language of the other texts. Called before such a screen is loaded. */
export async function loadMore(): Promise<void> {
  const load = others[language] ?? (() => import('./en/more.ts'))
  more = (await load()).more
}
