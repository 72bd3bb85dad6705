import { en } from './en/index.ts'

/** Every text of the console, by area. Another language has the same shape. */
export type Text = typeof en

/** The other languages, by their primary subtag, loaded on demand. */
const others: Record<string, () => Promise<Text>> = { de: async () => (await import('./de/index.ts')).de }

/** The texts in the language of the browser. Read it while rendering, never when a module loads. */
export let text: Text = en
export let language = 'en'

/** Chooses the first of the wanted languages that there is a catalog for; English if there is none. */
export async function chooseText(wanted: readonly string[]): Promise<void> {
  const primary = wanted.map((tag) => tag.split('-')[0]?.toLowerCase() ?? '')
  const found = primary.find((tag) => tag === 'en' || tag in others) ?? 'en'
  const load = others[found]
  if (load === undefined) return
  text = await load()
  language = found
}
